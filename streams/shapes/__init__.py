"""Other people's files and documents -> events, by mappings that are no code: CONTRACT section 8. Pure."""
