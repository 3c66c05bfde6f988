"""posventa doctor: what facts mean, without any server."""
