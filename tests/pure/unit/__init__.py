"""Of streams/unit: what one unit does to the state, and the rows it makes."""
