"""posventa doctor on the real engines."""
