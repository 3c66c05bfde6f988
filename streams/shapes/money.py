"""Money as sources write it -> Decimal: marks, minor units, and signs, all of it exact.

Owns these rules, and how many digits a currency has behind the point. Never makes a float. Pure.
"""

import re
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

from schemas.errors import InvalidValue
from streams.shapes.telling import as_found

_EXACT: Final = Context(prec=60, Emin=-60, Emax=60, traps=[Inexact, InvalidOperation])  # refuses instead of rounding
# ISO 4217: the digits behind the point, where they are not two.
_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_CURRENCY: Final = re.compile(r"[A-Z]{3}").fullmatch


def amount_of(field: str, value: object, decimal: str, thousands: str) -> Decimal:
    """An amount, of text with these marks or of a JSON number. Raises InvalidValue."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _decimal(field, str(value), value)
    if not isinstance(value, str):
        raise InvalidValue(field, as_found(value), "an amount")
    text, _, fraction = value.strip().partition(decimal)
    sign, whole = ("-", text[1:]) if text[:1] in "-\u2212" and text else ("", text.removeprefix("+"))
    if thousands and thousands in whole:
        first, *groups = whole.split(thousands)
        if not 1 <= len(first) <= 3 or not all(len(group) == 3 for group in groups):
            raise InvalidValue(field, as_found(value), f"{thousands!r} between groups of three digits")
        whole = first + "".join(groups)
    if not re.fullmatch(r"[0-9]{0,30}", whole) or not re.fullmatch(r"[0-9]{0,30}", fraction) or not whole + fraction:
        marks = f"decimal mark {decimal!r}" + (f" and thousands mark {thousands!r}" if thousands else "")
        raise InvalidValue(field, as_found(value), f"an amount with {marks}")
    return Decimal(f"{sign}{whole or '0'}.{fraction or '0'}")


def in_major_units(field: str, amount: Decimal, currency: object, exceptions: Mapping[str, int]) -> Decimal:
    """What so many cents are, by the currency's own digits, or by those of the source. Raises InvalidValue."""
    if not isinstance(currency, str) or not _CURRENCY(currency):
        raise InvalidValue("currency", as_found(currency), "three capitals: minor units are read by the currency")
    digits = exceptions.get(currency, _DIGITS.get(currency, 2))
    try:
        return _EXACT.scaleb(amount, -digits)
    except (Inexact, InvalidOperation):
        raise InvalidValue(field, as_found(amount), "an amount of at most 60 digits") from None


def sum_of(field: str, amounts: list[Decimal]) -> Decimal:
    """The exact sum. Raises InvalidValue."""
    total = Decimal(0)
    try:
        for amount in amounts:
            total = _EXACT.add(total, amount)
    except (Inexact, InvalidOperation):
        raise InvalidValue(field, "amounts whose sum has more than 60 digits", "amounts of money") from None
    return total


def _decimal(field: str, text: str, value: object) -> Decimal:
    try:
        if (found := _EXACT.create_decimal(text)).is_finite():
            return found
    except (Inexact, InvalidOperation):
        pass
    raise InvalidValue(field, as_found(value), "an amount of at most 60 digits")
