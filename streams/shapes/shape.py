"""A Shape: a mapping with what `--set` says, made ready; it turns rows into events, refusals and what is left out.

Owns the order in which a mapping is followed. Pure. Invariant: the same row gives the same events with the same event_ids;
an event_id that the mapping doesn't say is a hash of what the event says.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.errors import InvalidValue
from schemas.events import Event
from schemas.parsing import parse_attribution, parse_feedback, parse_reversal, parse_sale
from streams.errors import Misuse
from streams.shapes.expressions import Expression, NoFit
from streams.shapes.mapping import EVENT_FIELDS, EVENT_KINDS, Document, OfEvent, origins
from streams.shapes.origins import ORIGIN_OF, CustomerOrigin, Origin
from streams.shapes.pseudonyms import Pseudonyms
from streams.shapes.reading import Skipped, ValueReader, customer_reader, first_of, place_of, reader_of, scores_reader
from streams.shapes.telling import without_addresses

EACH_MAX: Final = 1_000  # events that `each` makes of one row
_PARSERS: Final[Mapping[str, Callable[[Mapping[str, object]], Event]]] = {
    "sales": parse_sale,
    "reversals": parse_reversal,
    "attributions": parse_attribution,
    "feedback": parse_feedback,
}
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "sales": (
        "brand_id",
        "sale_id",
        "customer_id",
        "action",
        "product_id",
        "offering",
        "amount",
        "currency",
        "occurred_at",
    ),
    "reversals": ("brand_id", "sale_id", "reversal_id", "kind", "amount", "currency", "occurred_at"),
    "attributions": ("brand_id", "sale_id", "affiliate_id", "occurred_at"),
    "feedback": ("brand_id", "feedback_id", "action", "occurred_at"),
}
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)  # of decimals too
_FIRST: Final = ("sale_id", "currency", "metric")  # what other fields are read by
_MAY_NAME: Final = frozenset({"comment"})  # free text of a customer; everything else is an id or a word


class RefusedPart(NamedTuple):
    """Something of a row is not published: the field, or '' for the row, and why."""

    field: str
    detail: str


class LeftOut(NamedTuple):
    """Something of a row is left out, as the mapping says."""


class Made(NamedTuple):
    """An event of a row; `kind` is sales, reversals, attributions or feedback."""

    kind: str
    event: Event


RowOutcome = Made | RefusedPart | LeftOut


@dataclass(frozen=True)
class _Recipe:
    """How one kind of event is made."""

    kind: str
    when: Expression | None
    each: Expression | None
    constants: Mapping[str, Any]
    readers: tuple[tuple[str, ValueReader], ...]
    asks_one_metric: bool
    places: Mapping[str, str]  # of each field, where the source says it


class Shape:
    """Turns rows into events. What differs between files is in `csv`, `json` and `format`."""

    def __init__(self, document: Document, said: Mapping[str, str], pseudonyms: Callable[[], Pseudonyms]) -> None:
        """Takes a mapping, what `--set` says of fields, and where pseudonyms come from. Raises Misuse for what it lacks."""
        self.format, self.csv, self.json = document.format, document.csv, document.json_
        self._document, self._pseudonyms = document, pseudonyms
        fixed = {name: _fixed(name, value, document.format) for name, value in said.items()}
        recipes = [(kind, of) for kind in EVENT_KINDS for of in getattr(document, kind)]
        if not recipes:
            recipes = [(kind := _kind_of(fixed), EVENT_KINDS[kind]())]
            self.columns_named = True
        else:
            self.columns_named = False
        self._recipes = [self._recipe(kind, of, fixed) for kind, of in recipes]
        _refuse_unused(fixed, [kind for kind, _ in recipes])
        self._let = [
            (name, first_of([customer_reader(name, origin, pseudonyms) for origin in found]))
            for name, found in document.let.items()
        ]
        self.roots = self._all_roots(recipes, fixed)
        self.hashes_addresses = any(origin.pseudonym is not None for origin in _customers(document, recipes))

    def outcomes(self, fields: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[RowOutcome]:
        """What becomes of one row, or of one order's `rows`, of which `fields` are the first values. Adds `_` to the fields."""
        added: dict[str, Any] = {"rows": rows}
        fields["_"] = added
        try:
            if any(_is_true(_found(skip, fields)) for skip in self._document.skip):
                yield LeftOut()
                return
            for name, read in self._let:
                added[name] = read(fields, {})
        except Skipped:
            yield LeftOut()
            return
        except InvalidValue as refused:
            yield _refusal(refused)
            return
        is_for_it = False
        for recipe in self._recipes:
            try:
                if recipe.when is not None and not _is_true(_found(recipe.when, fields)):
                    continue
                elements = [None] if recipe.each is None else _elements(recipe.each, fields)
            except InvalidValue as refused:
                yield _refusal(refused)
                is_for_it = True
                continue
            is_for_it = True
            for element in elements:
                added["each"] = element
                yield _made(recipe, fields)
        if not is_for_it:
            yield RefusedPart("", "no kind of event in the mapping is for it: no `when` is true, nor is `skip`")

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of events that it can make."""
        return frozenset(recipe.kind for recipe in self._recipes)

    def _recipe(self, kind: str, of: OfEvent, fixed: Mapping[str, Any]) -> _Recipe:
        said = {**dict(origins(of)), **{name: [value] for name, value in fixed.items() if name in EVENT_FIELDS[kind]}}
        if self.columns_named and kind in ("sales", "feedback"):
            said.setdefault("action", [Origin(value="PLACED" if kind == "sales" else "ANSWERED")])
        for name in _REQUIRED[kind]:
            if name not in said:
                raise Misuse(f"{kind}: nothing says {name}: say --set {name}=VALUE" + _example(name))
        names = sorted(said, key=lambda name: (name not in _FIRST, EVENT_FIELDS[kind].index(name)))
        constants = {name: value for name in names if (value := _constant(name, said[name])) is not None}
        readers = tuple((name, self._reader(name, said[name])) for name in names if name not in constants)
        asks_one_metric = all(origin.value is not None for origin in said.get("metric", ()))
        places = {name: " or ".join(filter(None, map(place_of, said[name]))) for name in names}
        return _Recipe(kind, of.when, of.each, constants, readers, asks_one_metric, places)

    def _reader(self, field: str, found: list[Any]) -> ValueReader:
        if field == "scores":
            return scores_reader(found)
        kind, rules = ORIGIN_OF.get(field, Origin), self._document
        return first_of(
            [reader_of(field, _as(kind, origin), rules.money, rules.time, self._pseudonyms) for origin in found]
        )

    def _all_roots(self, recipes: list[tuple[str, OfEvent]], fixed: Mapping[str, Any]) -> frozenset[str]:
        """The columns that a file must have."""
        found = [origin.roots for origin in fixed.values()]
        found += [
            origin.roots for _, of in recipes for name, said in origins(of) if name not in fixed for origin in said
        ]
        found += [way.roots for _, of in recipes for way in (of.when, of.each) if way is not None]
        found += [origin.roots for said in self._document.let.values() for origin in said]
        found += [skip.roots for skip in self._document.skip]
        return frozenset().union(*found) - {"_"} - frozenset(self.csv.optional)


def _constant(name: str, found: list[Any]) -> str | None:
    """The text that a field always is, if it is text."""
    (origin, *others) = found
    is_one = not others and name not in ORIGIN_OF and origin.is_plain and isinstance(origin.value, str)
    return origin.value.strip() or None if is_one else None


def _customers(document: Document, recipes: list[tuple[str, OfEvent]]) -> Iterator[CustomerOrigin]:
    for found in document.let.values():
        yield from found
    for _, of in recipes:
        yield from of.customer_id or ()
        yield from getattr(of, "referred_by", None) or ()


def _made(recipe: _Recipe, scope: dict[str, Any]) -> RowOutcome:
    fields: dict[str, Any] = dict(recipe.constants)
    try:
        for name, read in recipe.readers:
            value = read(scope, fields)
            if value is not None:
                fields[name] = value
        for name, value in fields.items():
            if name not in _MAY_NAME and isinstance(value, str) and "@" in value:
                raise InvalidValue(name, "an address", "an id; only customer_id and referred_by take addresses, hashed")
        if recipe.asks_one_metric and "metric" in fields and "score" not in fields:
            del fields["metric"]  # a question that was not answered
        if "event_id" not in fields:
            fields["event_id"] = _hashed(recipe.kind, fields)
        _with_nulls(recipe.kind, fields)
        return Made(recipe.kind, _PARSERS[recipe.kind](fields))
    except Skipped:
        return LeftOut()
    except InvalidValue as refused:
        value = fields.get(refused.field)
        if isinstance(value, str) and "@" in value:
            refused = InvalidValue(refused.field, "text with an address", refused.expected)
        return _refusal(refused, recipe.places.get(refused.field.partition(".")[0], ""))


def _with_nulls(kind: str, fields: dict[str, Any]) -> None:
    """What must be said, and may be null, is null where the source says nothing."""
    nullable: Mapping[str, tuple[str, ...]] = {
        "sales": ("affiliate_id", "campaign", "referred_by"),
        "reversals": ("customer_id",),
        "attributions": ("customer_id", "affiliate_id", "campaign", "commission", "currency"),
        "feedback": ("customer_id", "sale_id", "affiliate_id", "metric", "score", "comment", "language"),
    }
    for name in nullable[kind]:
        fields.setdefault(name, None)
    if kind == "feedback":
        fields.setdefault("findings", [])
    if kind == "attributions" and fields["commission"] is None:
        fields["currency"] = None  # both or neither


def _hashed(kind: str, fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{kind} {_ENCODER.encode(fields)}".encode()).hexdigest()[:40]


def _found(what: Expression, scope: Mapping[str, Any]) -> Any:
    try:
        return what.find(scope)
    except NoFit as error:
        raise InvalidValue("", f"a value that does not fit {error}", "a mapping that fits this document") from None


def _elements(each: Expression, scope: Mapping[str, Any]) -> list[Any]:
    found = _found(each, scope)
    elements = found if isinstance(found, list) else [] if found is None else [found]
    if len(elements) > EACH_MAX:
        raise InvalidValue("", f"{len(elements):,} at {each.text}", f"at most {EACH_MAX:,}")
    return elements


def _is_true(value: Any) -> bool:
    """As JMESPath has it: null, false and what is empty are not; 0 is."""
    return value is not None and value is not False and value not in ("", [], {})


def _refusal(refused: InvalidValue, place: str = "") -> RefusedPart:
    detail = refused.detail if refused.field else refused.detail.removeprefix(": ")
    return RefusedPart(
        refused.field, without_addresses(f"{detail}; it is read from {place[:200]}" if place else detail)
    )


def _as(kind: type[Any], origin: Any) -> Any:
    """An origin of `--set` as one of its field's kind; one of the mapping is that already."""
    return (
        origin
        if isinstance(origin, kind)
        else kind.model_validate({"from": origin.from_} if origin.from_ is not None else {"value": origin.value})
    )


def _fixed(name: str, value: str, format_: str) -> Origin:
    """What `--set FIELD=VALUE` or `FIELD=@COLUMN` says."""
    if not value.startswith("@"):
        return Origin(value=value)
    column = json.dumps(value[1:]) if format_ == "csv" else value[1:]
    try:
        return Origin.model_validate({"from": column})
    except ValueError as error:
        raise Misuse(f"--set {name}={value}: {error}") from None


def _kind_of(fixed: Mapping[str, Any]) -> str:
    """The kind of event that the named fields make."""
    if "feedback_id" in fixed:
        return "feedback"
    if "reversal_id" in fixed:
        return "reversals"
    return "sales" if fixed.keys() & {"amount", "action", "product_id", "offering"} else "attributions"


def _refuse_unused(fixed: Mapping[str, Any], kinds: list[str]) -> None:
    known = {name for kind in kinds for name in EVENT_FIELDS[kind]}
    for name in fixed:
        if name not in known:
            raise Misuse(f"--set {name}: no field and no variable here; fields are {', '.join(sorted(known))}")


def _example(name: str) -> str:
    return {"brand_id": ", the brand whose events these are", "offering": ", PHYSICAL or SERVICE"}.get(name, "")
