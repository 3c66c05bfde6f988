"""What we know and ask of Kafka: topics by name, their creation, clients, the partitioner, the group's lag.

Never reads or writes an event.
"""
