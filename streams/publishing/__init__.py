"""What brand platforms use to publish: the Publisher, JSON Lines, and the Olist files."""
