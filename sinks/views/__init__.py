"""The views that BI reads: what each shows (columns.py, catalogue.py), and how it is made of the tables (templates/).

A view's SQL reaches ClickHouse as a migration, a plain file. `python -m sinks.views NAME` writes it, and the page
docs/reference/views.md. Only that command, and whoever changes views, needs this room: nothing that runs imports it.
"""
