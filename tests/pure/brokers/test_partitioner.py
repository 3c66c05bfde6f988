"""Keys fall on the partitions where every other publisher puts them."""

from aiokafka.partitioner import DefaultPartitioner as AioPartitioner
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_python_murmur2

from streams.brokers.partitioner import partition_for


@given(st.binary(max_size=50), st.integers(1, 64))
def test_keys_fall_where_every_kafka_client_puts_them(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))
    assert partition_for(key, partitions) == AioPartitioner()(key, everywhere, everywhere)
    assert partition_for(key, partitions) == (kafka_python_murmur2(key) & 0x7FFFFFFF) % partitions
