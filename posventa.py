"""The public Python API for brand platforms: `from posventa import Publisher`."""
