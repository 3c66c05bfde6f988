"""Of the second count: rows of any moment are compared with the events of that moment."""
