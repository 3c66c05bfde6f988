"""What tests share: the oracle, strategies, doubles, real engines. No tests."""
