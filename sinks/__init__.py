"""Owns ClickHouse: tables, migrations, views, the writer, what people ask of the views, and the embedded engine.

Never imports streams, and never decides what is written.
"""
