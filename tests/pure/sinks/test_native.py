"""The format Native of later revisions: the bytes of ClickHouse's specification, and those that a driver reads."""

import struct

import pytest

from sinks.embedded.column_layouts import UnknownLayout, layout_of
from sinks.embedded.errors import QueryRefused
from sinks.embedded.native import NativeEncoder

INFO = bytes.fromhex("01 00 02 FF FF FF FF 00")


def le64(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


# Type, rows, and the column's bytes: the examples of the specification.
COLUMNS = [
    ("UInt32", 3, "01000000 00010000 00000100"),
    ("Int32", 2, "FFFFFFFF 2A000000"),
    ("Float64", 1, "000000000000F83F"),
    ("BFloat16", 1, "C03F"),
    ("Bool", 3, "010001"),
    ("Date", 1, "0100"),
    ("Date32", 1, "219CFFFF"),
    ("DateTime('UTC')", 1, "685BF465"),
    ("DateTime64(3, 'UTC')", 1, "83511A0D8D010000"),
    ("Time", 1, "F0B00000"),
    ("Time64(3)", 1, "952CB30200000000"),
    ("IntervalDay", 1, "0500000000000000"),
    ("UUID", 1, "D4419BE200840E55 000044556644 16A7"),
    ("IPv4", 1, "0A01A8C0"),
    ("IPv6", 1, "20010DB8000000000000000000000001"),
    ("Enum8('active' = 1, 'in)active' = 2, 'it\\'s, so' = -1)", 3, "010201"),
    ("Enum16('a' = 1, 'b' = 30000)", 1, "3075"),
    ("Decimal(9, 4)", 1, "87D61200"),
    ("Decimal(18, 1)", 1, "F1FFFFFFFFFFFFFF"),
    ("Decimal(38, 4)", 1, "87D61200" + "00" * 12),
    ("Decimal(76, 4)", 1, "87D61200" + "00" * 28),
    ("Nullable(Nothing)", 3, "010101 303030"),
    ("String", 3, "026162 00 0163"),
    ("String", 1, "AC02" + "61" * 300),
    ("FixedString(3)", 2, "616263 646500"),
    ("Nullable(UInt8)", 3, "000100 050009"),
    ("Nullable(String)", 3, "000100 0568656C6C6F 00 05776F726C64"),
    ("Array(UInt32)", 3, le64(3, 3, 5).hex() + "0A000000 14000000 1E000000 28000000 32000000"),
    ("Array(String)", 2, le64(2, 2).hex() + "0161 026262"),
    ("Array(Array(UInt32))", 3, le64(1, 1, 3, 2, 3, 5).hex() + "01000000 02000000 03000000 04000000 05000000"),
    ("Tuple(UInt8, UInt8)", 3, "010203 040506"),
    ("Tuple(a UInt32, `b (c` String)", 2, "0A000000 14000000 0161 026262"),
    ("Tuple()", 2, "3030"),
    ("Map(UInt8, UInt8)", 2, le64(2, 3).hex() + "010203 0A141E"),
    ("Map(String, UInt32)", 1, le64(2).hex() + "0161 0162 01000000 02000000"),
    ("Nested(a UInt8, b String)", 2, le64(2, 3).hex() + "0A141E 0178 0179 017A"),
    ("Ring", 1, le64(1).hex() + "00" * 16),
    ("SimpleAggregateFunction(sum, UInt64)", 1, "0500000000000000"),
    ("LowCardinality(String)", 5, le64(1, 0x600, 4).hex() + "00 0161 0162 0163" + le64(5).hex() + "0102010302"),
    ("LowCardinality(Nullable(String))", 4, le64(1, 0x600, 4).hex() + "00 00 0161 0162" + le64(4).hex() + "02000103"),
    # A prefix comes before the offsets; what no row needs is not there.
    ("Array(LowCardinality(String))", 2, le64(1, 0, 0).hex()),
    ("Array(LowCardinality(String))", 1, le64(1, 2, 0x601, 2).hex() + "00 0161" + le64(2).hex() + "01000100"),
    ("Variant(String, UInt64)", 3, le64(0).hex() + "0100FF 026869" + le64(42).hex()),
]


def block(type_name: str, rows: int, data: bytes, flag: bytes = b"") -> bytes:
    """One column of that type, and one after it that shows whether the end of the first was found."""
    told = type_name.encode()
    first = b"\x01a" + bytes([len(told)]) + told + flag + data
    return bytes([2, rows]) + first + b"\x01b\x05UInt8" + flag + b"7" * rows


@pytest.mark.parametrize(("type_name", "rows", "data"), COLUMNS)
def test_the_end_of_every_column_is_found(type_name: str, rows: int, data: str) -> None:
    raw = bytes.fromhex(data)
    plain = block(type_name, rows, raw)
    for revision, before in ((54454, INFO), (54479, INFO), (54480, INFO[:-1] + b"\x03\x00\x00")):
        encoder = NativeEncoder(revision)
        later = before + block(type_name, rows, raw, b"\x00")
        assert encoder.add(plain + plain) + encoder.end() == later + later


@pytest.mark.parametrize(("type_name", "rows", "data"), COLUMNS)
def test_it_does_not_matter_how_the_bytes_are_cut(type_name: str, rows: int, data: str) -> None:
    plain = block(type_name, rows, bytes.fromhex(data))
    whole = NativeEncoder(54460).add(plain * 2)
    for size in (1, 3, len(plain) - 1, len(plain) + 1):
        encoder = NativeEncoder(54460)
        pieces = [encoder.add((plain * 2)[at : at + size]) for at in range(0, 2 * len(plain), size)]
        assert b"".join(pieces) + encoder.end() == whole


def test_the_specifications_own_block() -> None:
    plain = bytes.fromhex("01 01 01 31 05 55 49 6E 74 38 01")
    assert NativeEncoder(54460).add(plain) == INFO + bytes.fromhex("01 01 01 31 05 55 49 6E 74 38 00 01")
    empty = NativeEncoder(54460)
    assert empty.add(b"") + empty.end() == b""


def test_a_header_without_rows_has_flags_and_no_data() -> None:
    plain = b"\x01\x00\x01a\x16LowCardinality(String)"
    assert NativeEncoder(54460).add(plain) == INFO + plain + b"\x00"


@pytest.mark.parametrize(
    ("type_name", "data", "said"),
    [
        ("Dynamic", le64(1), "Dynamic"),
        ("JSON(a UInt8)", le64(0), "JSON"),
        ("Array(AggregateFunction(sum, UInt64))", le64(0), "AggregateFunction"),
        ("Tomorrow(3)", b"?", "Tomorrow"),
        ("LowCardinality(String)", le64(2), "LowCardinality of version 2"),
        ("LowCardinality(String)", le64(1, 0x700), "LowCardinality with flags"),
        ("Variant(String)", le64(1), "Variant of mode 1"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(type_name: str, data: bytes, said: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        NativeEncoder(54460).add(block(type_name, 1, data))
    assert (refused.value.code, refused.value.status) == (48, 501)
    assert f"Column a is of type {type_name}, and {said}" in str(refused.value)


def test_half_a_block_is_never_taken_for_a_whole_one() -> None:
    encoder = NativeEncoder(54460)
    assert encoder.add(block("String", 1, b"\x05hel")) == b""
    with pytest.raises(ValueError, match="no block"):
        encoder.end()


@pytest.mark.parametrize("type_name", ["", "Array(" * 999 + "UInt8" + ")" * 999])
def test_no_name_and_no_end_of_brackets_is_a_layout(type_name: str) -> None:
    with pytest.raises(UnknownLayout):
        layout_of(type_name)
