"""Reads what the changelog holds and no worker ever reads back."""

import msgpack

from streams.changelog.records import KeptRefusal


def unpack_key(key: bytes) -> tuple[str | int, ...]:
    """What pack_key packed, without the kind."""
    unpacked: tuple[str | int, ...] = msgpack.unpackb(key[1:], use_list=False)
    return unpacked


def unpack_comment(value: bytes) -> tuple[str, str]:
    """(comment, language), each '' when there is none."""
    comment, language = msgpack.unpackb(value)
    return comment, language


def unpack_refusal(value: bytes) -> KeptRefusal:
    """A refusal."""
    return KeptRefusal(*msgpack.unpackb(value))
