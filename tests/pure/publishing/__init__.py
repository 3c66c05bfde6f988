"""Of streams/publishing: the Olist files as events."""
