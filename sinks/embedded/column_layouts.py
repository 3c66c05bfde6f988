"""How many bytes a column of the format Native takes, by its type: enough to find its end without reading its values.

Pure. Source: ClickHouse's specification of the format Native, revision 0. A column is a prefix, of all types in it that
have one, and then its data. Invariant: a type whose bytes are not known here is refused; nothing is guessed.
"""

import re
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

_SIZES: Final = {
    name: size
    for size, names in {
        1: "Int8 UInt8 Bool Enum8 Nothing",
        2: "Int16 UInt16 BFloat16 Enum16 Date",
        4: "Int32 UInt32 Float32 Date32 DateTime Time IPv4",
        8: "Int64 UInt64 Float64 DateTime64 Time64",
        16: "Int128 UInt128 UUID IPv6",
        32: "Int256 UInt256",
    }.items()
    for name in names.split()
}
_DECIMAL_SIZES: Final = {9: 4, 18: 8, 38: 16, 76: 32}  # by the greatest number of digits
_ALIASES: Final = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "Polygon": "Array(Ring)",
    "MultiLineString": "Array(LineString)",
    "MultiPolygon": "Array(Polygon)",
}
_LOW_CARDINALITY_VERSION: Final = 1
_LOW_CARDINALITY_FLAGS: Final = 0x600  # a dictionary of its own in every block, nothing else in Native
_VARIANT_MODE: Final = 0  # each row's own number; 255 is null
_UINT64: Final = struct.Struct("<Q")
_TOKEN: Final = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|[(),]|[^\s(),'`]+")


class UnknownLayout(ValueError):
    """A type, or a way to write it, that is not known here. `str()` of it says which."""


class Layout(NamedTuple):
    """Both give the place after what they step over, which may be beyond the end of the bytes, or raise IndexError there."""

    prefix: Callable[[bytes, int], int]  # bytes, place
    data: Callable[[bytes, int, int], int]  # bytes, place, rows


class _Type(NamedTuple):
    name: str
    arguments: "tuple[_Type, ...]"


@lru_cache(maxsize=256)
def layout_of(type_name: str) -> Layout:
    """The layout of a type by its name as ClickHouse writes it. Raises UnknownLayout."""
    try:
        return _layout(next(_read(iter([*_TOKEN.findall(type_name), ")"])), _Type("", ())))
    except RecursionError:
        raise UnknownLayout("a type of so many levels") from None


def _read(tokens: Iterator[str]) -> Iterator[_Type]:
    """The types up to the bracket that closes them. Of `name Type` and `'word' = 1` the last word counts."""
    word = ""
    arguments: tuple[_Type, ...] = ()
    for part in tokens:
        if part == "(":
            arguments = tuple(_read(tokens))
        elif part not in ",)":
            word = part
        else:
            if word:
                yield _Type(word, arguments)
            word, arguments = "", ()
            if part == ")":
                return


def _layout(column: _Type) -> Layout:
    name, arguments = column
    if size := _size(column):
        return _fixed(size)
    if name == "String":
        return Layout(_no_prefix, _after_strings)
    if name in _ALIASES:
        return layout_of(_ALIASES[name])
    if name == "SimpleAggregateFunction":
        return _layout(arguments[-1])
    if name == "LowCardinality" and arguments[0].name == "Nullable":  # null is a place in its dictionary
        arguments = arguments[0].arguments
    if name not in _COMPOSED:
        raise UnknownLayout(name)
    return _COMPOSED[name]([_layout(argument) for argument in arguments])


def _size(column: _Type) -> int:
    """Bytes of a value, 0 when they depend on the value."""
    name, arguments = column
    if name == "FixedString":
        return int(arguments[0].name)
    if name == "Decimal":
        digits = int(arguments[0].name)
        return next(size for most, size in _DECIMAL_SIZES.items() if digits <= most)
    return 8 if name.startswith("Interval") else _SIZES.get(name, 0)


def _no_prefix(_: bytes, at: int) -> int:
    return at


def _fixed(size: int) -> Layout:
    return Layout(_no_prefix, lambda _, at, rows: at + size * rows)


def _after_strings(data: bytes, at: int, rows: int) -> int:
    for _ in range(rows):
        length = data[at]
        at += 1
        if length > 127:
            length, at = number_at(data, at - 1)
        at += length
    return at


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """A VarUInt (7 bits a byte, the lowest first), and the place after it. Raises IndexError beyond the end."""
    number = shift = 0
    while (byte := data[at]) > 127:
        number |= (byte & 127) << shift
        shift += 7
        at += 1
    return number | byte << shift, at + 1


def _uint64_at(data: bytes, at: int) -> int:
    if at + _UINT64.size > len(data):
        raise IndexError
    return int(_UINT64.unpack_from(data, at)[0])


def _nullable(inner: list[Layout]) -> Layout:
    return Layout(inner[0].prefix, lambda data, at, rows: inner[0].data(data, at + rows, rows))


def _tuple(elements: list[Layout]) -> Layout:
    def prefix(data: bytes, at: int) -> int:
        for element in elements:
            at = element.prefix(data, at)
        return at

    def after(data: bytes, at: int, rows: int) -> int:
        for element in elements:
            at = element.data(data, at, rows)
        return at

    return Layout(prefix, after) if elements else _fixed(1)


def _array(element: Layout) -> Layout:
    def after(data: bytes, at: int, rows: int) -> int:
        ends = at + _UINT64.size * rows  # where each row's elements end
        return element.data(data, ends, _uint64_at(data, ends - _UINT64.size)) if rows else at

    return Layout(element.prefix, after)


def _low_cardinality(value: Layout) -> Layout:
    def prefix(data: bytes, at: int) -> int:
        _expect(_uint64_at(data, at), _LOW_CARDINALITY_VERSION, "LowCardinality of version")
        return at + 8

    def after(data: bytes, at: int, rows: int) -> int:
        if not rows:
            return at
        kind = _uint64_at(data, at)
        _expect(kind & ~0xFF, _LOW_CARDINALITY_FLAGS, "LowCardinality with flags")
        at = value.data(data, at + 16, _uint64_at(data, at + 8))
        return at + 8 + _uint64_at(data, at) * (1 << (kind & 0xFF))

    return Layout(prefix, after)


def _variant(choices: list[Layout]) -> Layout:
    inner = _tuple(choices)

    def prefix(data: bytes, at: int) -> int:
        _expect(_uint64_at(data, at), _VARIANT_MODE, "Variant of mode")
        return inner.prefix(data, at + 8)

    def after(data: bytes, at: int, rows: int) -> int:
        chosen = data[at : at + rows]
        at += rows
        for number, choice in enumerate(choices):
            at = choice.data(data, at, chosen.count(number))
        return at

    return Layout(prefix, after)


def _expect(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise UnknownLayout(f"{what} {found}")


_COMPOSED: Final[dict[str, Callable[[list[Layout]], Layout]]] = {
    "Nullable": _nullable,
    "Array": lambda inner: _array(inner[0]),
    "LowCardinality": lambda inner: _low_cardinality(inner[0]),
    "Tuple": _tuple,
    "Map": lambda inner: _array(_tuple(inner)),
    "Nested": lambda inner: _array(_tuple(inner)),
    "Variant": _variant,
}
