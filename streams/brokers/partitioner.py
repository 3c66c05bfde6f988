"""Which partition a key belongs to, as every Kafka client's default partitioner says.

Pure; apart from the clients because units ask it for every new customer.
"""

import struct
from typing import Final

from mypy_extensions import i64

# MurmurHash2 (Austin Appleby, public domain) with the seed that Kafka's clients use.
_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_32_BITS: Final = 0xFFFFFFFF


def partition_for(key: bytes, partitions: int) -> int:
    """The partition of a key: positive murmur2 modulo the partition count."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(key: bytes) -> int:
    """Kafka's hash of a key, as an unsigned number of 32 bits."""
    size = len(key)
    words = size // 4
    found: i64 = _SEED ^ size  # machine numbers when compiled: no product has more than 63 bits
    word: i64
    for word in struct.unpack_from(f"<{words}I", key):
        mixed: i64 = word * _M & _32_BITS
        found = (found * _M & _32_BITS) ^ ((mixed ^ mixed >> 24) * _M & _32_BITS)
    if size % 4:
        word = int.from_bytes(key[words * 4 :], "little")
        found = (found ^ word) * _M & _32_BITS
    found = (found ^ found >> 13) * _M & _32_BITS
    return found ^ found >> 15
