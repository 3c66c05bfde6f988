"""The clients in Python: programs for the environment .venv-clients, which has nothing of ours but these files."""
