"""Metrics for Prometheus: what ops see of the stream from outside, whether a worker runs or not.

Stands on the brokers and the sink. Never joins the group, never writes.
"""
