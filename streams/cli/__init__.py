"""The command line: a module a command, and what a person reads on the screen. Never computes a number."""
