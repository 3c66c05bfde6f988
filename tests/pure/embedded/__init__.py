"""Of streams/embedded: the web page."""
