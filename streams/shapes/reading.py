"""One value of one row, by its origin: text, amount, time, revision, customer, score, findings.

Owns how each kind of origin is followed. Pure. Invariant: what can't be read is refused by its field, and no refusal shows
an address.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from schemas.errors import InvalidValue
from schemas.validation import SCORES
from streams.shapes.expressions import Expression, NoFit, Template
from streams.shapes.money import amount_of, in_major_units, sum_of
from streams.shapes.origins import (
    SKIP,
    CustomerOrigin,
    FindingOrigin,
    FurtherScore,
    ManyOrigin,
    MoneyOrigin,
    MoneyRules,
    Origin,
    RevisionOrigin,
    ScoreOrigin,
    TimeOrigin,
    TimeRules,
)
from streams.shapes.pseudonyms import Pseudonyms
from streams.shapes.telling import as_found
from streams.shapes.times import EPOCH_2000_S

Scope = Mapping[str, Any]  # a document, with what the mapping adds under `_`
ValueReader = Callable[[Scope, Mapping[str, Any]], Any]  # of a scope and the fields read so far; None is nothing
PseudonymsSource = Callable[[], Pseudonyms]  # asked for when the first address comes

_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


class Skipped(Exception):
    """The mapping says to leave this out."""


def reader_of(
    field: str, origin: Origin, money: MoneyRules, time: TimeRules, pseudonyms: PseudonymsSource
) -> ValueReader:
    """What reads a field by one of its origins, with what the mapping says of all money and all times."""
    match origin:
        case MoneyOrigin():
            reader = money_reader(field, origin, money)
        case RevisionOrigin():
            reader = revision_reader(field, origin, time)
        case TimeOrigin():
            reader = time_reader(field, origin, time)
        case CustomerOrigin():
            reader = customer_reader(field, origin, pseudonyms)
        case ScoreOrigin():
            reader = score_reader(field, origin)
        case FindingOrigin():
            reader = findings_reader(field, origin)
        case ManyOrigin():
            reader = many_reader(field, origin)
        case _:
            reader = text_reader(field, origin)
    return reader


def text_reader(field: str, origin: Origin) -> ValueReader:
    """Reads text. Most is a constant, or a value as it is found."""
    if isinstance(origin.value, str) and origin.is_plain:
        constant = origin.value.strip() or None
        return lambda scope, _: constant
    if origin.from_ is None or not origin.is_plain:
        return lambda scope, _: text_of(field, origin, scope)
    where = origin.from_

    def read(scope: Scope, _: Mapping[str, Any]) -> str | None:
        found = _find(field, where, scope)
        return found.strip() or None if isinstance(found, str) else _plain(field, origin, found)

    return read


def first_of(readers: Sequence[ValueReader]) -> ValueReader:
    """Reads the first of some that finds something."""
    if len(readers) == 1:
        return readers[0]

    def read(scope: Scope, fields: Mapping[str, Any]) -> Any:
        for reader in readers:
            value = reader(scope, fields)
            if value is not None and value != []:
                return value
        return None

    return read


def text_of(field: str, origin: Origin, scope: Scope) -> str | None:
    """The text, or None where there is none. Raises InvalidValue, Skipped."""
    if isinstance(origin.template, Template):
        return _worded(field, origin, _filled(field, origin.template, scope))
    return _worded(field, origin, _plain(field, origin, found_by(field, origin, scope)))


def found_by(field: str, origin: Origin, scope: Scope) -> Any:
    """What `from` finds, or the constant; `absent` values and blanks are None."""
    if origin.from_ is None:
        return origin.value
    found = _find(field, origin.from_, scope)
    if isinstance(found, str) and (not found.strip() or found.strip() in origin.absent):
        return None
    if isinstance(found, int | Decimal) and origin.absent and str(found) in origin.absent:
        return None
    return found


def _find(field: str, what: Expression, scope: Scope) -> Any:
    try:
        return what.find(scope)
    except NoFit as error:
        raise InvalidValue(field, f"a value that does not fit {error}", "a mapping that fits this document") from None


def _plain(field: str, origin: Origin, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | Decimal):
        return str(value)
    raise InvalidValue(field, f"{as_found(value)} at {place_of(origin) or 'the mapping'}", "one text or number")


def _filled(field: str, filled: Template, scope: Scope) -> str | None:
    """The template's text. Where one of its expressions finds nothing, there is none."""
    parts = []
    for part in filled.parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        found = _find(field, part, scope)
        if found is None or isinstance(found, dict | list | bool) or not str(found).strip():
            return None
        parts.append(str(found).strip())
    return "".join(parts)


def _worded(field: str, origin: Origin, text: str | None) -> str | None:
    """The text cut and looked up."""
    if text is not None and origin.find is not None:
        matched = origin.find.search(text)
        text = matched[1] if matched else None
    if text is not None and origin.strip:
        text = text.strip(origin.strip)
    if not text:
        return None
    if origin.case:
        text = text.lower() if origin.case == "lower" else text.upper()
    return text if origin.words is None else _looked_up(field, origin, text)


def _looked_up(field: str, origin: Origin, text: str) -> str | None:
    words = origin.words or {}
    word = words.get(text)
    if word is None:
        if origin.unknown == "refuse":
            known = ", ".join(list(words)[:20])
            raise InvalidValue(
                field,
                f"{as_found(text)} at {place_of(origin) or 'the mapping'}",
                f"one of {known}, or another line in `words`",
            )
        word = {"skip": SKIP, "absent": "", "keep": text}[origin.unknown]
    if word == SKIP:
        raise Skipped
    return word or None


def place_of(origin: Origin) -> str:
    """Where a value was found, for whoever looks for it in the file: a column, an expression; '' for a constant."""
    way = origin.from_ or origin.template or (origin.pseudonym if isinstance(origin, CustomerOrigin) else None)
    return way.text.strip('"') if way else ""


def money_reader(field: str, origin: MoneyOrigin, rules: MoneyRules) -> ValueReader:
    """Reads an amount; of a list, the sum."""
    decimal = origin.decimal or rules.decimal or "."
    thousands = origin.thousands if origin.thousands is not None else rules.thousands or ""
    is_minor = origin.minor_units if origin.minor_units is not None else bool(rules.minor_units)
    digits = {**(rules.digits or {}), **(origin.digits or {})}
    sign = origin.sign or rules.sign or "as it is"

    def read(scope: Scope, fields: Mapping[str, Any]) -> Decimal | None:
        found = found_by(field, origin, scope) if origin.template is None else text_of(field, origin, scope)
        if isinstance(found, str) and origin.template is None:
            found = _worded(field, origin, found.strip())
        if found is None or found == []:
            return None
        each = found if isinstance(found, list) else [found]
        amount = sum_of(field, [amount_of(field, value, decimal, thousands) for value in each])
        if is_minor:
            amount = in_major_units(field, amount, fields.get("currency"), digits)
        return amount if sign == "as it is" else abs(amount) if sign == "without" else -amount

    return read


def time_reader(field: str, origin: TimeOrigin, rules: TimeRules) -> ValueReader:
    """Reads a time as epoch milliseconds."""
    clock = origin.clock(rules)

    def read(scope: Scope, _: Mapping[str, Any]) -> int | None:
        if origin.unit or (clock.unit and not origin.pattern):
            found = found_by(field, origin, scope)
        else:
            found = text_of(field, origin, scope)
        return None if found is None else clock.milliseconds(field, found)

    return read


def revision_reader(field: str, origin: RevisionOrigin, rules: TimeRules) -> ValueReader:
    """Reads a revision."""
    if origin.by == "time" and not isinstance(origin.value, int):
        moment = time_reader(field, origin, rules)

        def read_time(scope: Scope, fields: Mapping[str, Any]) -> int | None:
            found = moment(scope, fields)
            return None if found is None else found // 1000 - EPOCH_2000_S

        return read_time
    factor = 100 if origin.by == "cents" else 1

    def read_number(scope: Scope, _: Mapping[str, Any]) -> int | None:
        found = origin.value if origin.value is not None else found_by(field, origin, scope)
        return None if found is None else _whole(field, amount_of(field, found, ".", "") * factor)

    return read_number


def customer_reader(field: str, origin: CustomerOrigin, pseudonyms: PseudonymsSource) -> ValueReader:
    """Reads who it was. An address never passes: it becomes its pseudonym, whatever the mapping says of it."""

    plain = text_reader(field, origin)

    def read(scope: Scope, fields: Mapping[str, Any]) -> str | None:
        if origin.order:
            return f"order:{fields['sale_id']}" if fields.get("sale_id") else None
        if origin.pseudonym is not None:
            found = origin.pseudonym
            address = _worded(field, origin, _plain(field, origin, _find(field, found, scope)))
            return pseudonyms().of(address) if address and address not in origin.absent else None
        who = plain(scope, fields)
        return pseudonyms().of(who) if who and "@" in who else who

    return read


def score_reader(field: str, origin: ScoreOrigin, metric: str | None = None) -> ValueReader:
    """Reads a whole number, moved from the source's scale to the metric's."""

    def read(scope: Scope, fields: Mapping[str, Any]) -> int | None:
        found = text_of(field, origin, scope)
        if found is None:
            return None
        score = amount_of(field, found, ".", "")
        if origin.scale is None:
            return _whole(field, score)
        low, high = origin.scale
        if not low <= score <= high:
            raise InvalidValue(field, as_found(score), f"{low} to {high}, the mapping's `scale`")
        lowest, highest = SCORES.get(metric or str(fields.get("metric")), (low, high))
        moved = lowest + (score - low) * (highest - lowest) / (high - low)
        return int(moved.to_integral_value(ROUND_HALF_UP))

    return read


def _whole(field: str, value: Decimal) -> int:
    if value != value.to_integral_value():
        raise InvalidValue(field, as_found(value), "a whole number")
    return int(value)


def findings_reader(field: str, origin: FindingOrigin) -> ValueReader:
    """Reads the choices that were ticked."""

    def read(scope: Scope, _: Mapping[str, Any]) -> list[dict[str, str]]:
        found = [] if origin.from_ is None else _find(field, origin.from_, scope)
        findings = []
        for label in found if isinstance(found, list) else [found]:
            if (text := _plain(field, origin, label)) is None:
                continue
            try:
                word = _worded(field, origin, text)
            except Skipped:
                continue
            if word is not None:
                findings.append(_finding(origin, word))
        return [finding for place, finding in enumerate(findings) if finding not in findings[:place]]

    return read


def _finding(origin: FindingOrigin, word: str) -> dict[str, str]:
    verdict, _, topic = word.rpartition(":")
    if not verdict:  # the words that people ticked
        topic = _NO_SLUG.sub("-", topic.lower()).strip("-")[:64]
    return {"verdict": verdict or origin.verdict or "", "topic": topic}


def many_reader(field: str, origin: ManyOrigin) -> ValueReader:
    """Reads a list of texts; blanks in it are left out."""

    def read(scope: Scope, _: Mapping[str, Any]) -> list[str]:
        found = found_by(field, origin, scope)
        texts = [_plain(field, origin, value) for value in (found if isinstance(found, list) else [found])]
        return [word for text in texts if text is not None and (word := _worded(field, origin, text)) is not None]

    return read


def scores_reader(found: list[FurtherScore]) -> ValueReader:
    """Reads further scores; a question that was not answered is left out."""
    readers = [(origin.metric, score_reader("scores", origin, origin.metric)) for origin in found]

    def read(scope: Scope, fields: Mapping[str, Any]) -> list[dict[str, object]]:
        each = [(metric, reader(scope, fields)) for metric, reader in readers]
        return [{"metric": metric, "score": score} for metric, score in each if score is not None]

    return read
