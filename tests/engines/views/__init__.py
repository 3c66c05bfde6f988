"""Of the views: every figure beside the oracle's."""
