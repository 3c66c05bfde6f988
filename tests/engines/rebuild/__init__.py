"""Of generations: on the real engines, with live traffic, and with whatever ends in the middle of it."""
