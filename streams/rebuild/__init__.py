"""A new generation beside the one in use: built from the topics, verified, switched to, and the old one dropped.

The very owners, units and rows of the workers (streams/partition), fed without a consumer group and up to where the generation
in use has come, which alone re-routes and refuses. Every step is in the register before it is made, so that whoever says
`posventa rebuild` again goes on.
"""
