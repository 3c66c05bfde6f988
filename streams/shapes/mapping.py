"""A mapping file (TOML), checked as a whole: every fault with its line, or a Mapping that can be used.

Owns the form of the file and the variables in it. Pure: takes text. Invariant: whatever is wrong with a mapping is told
before the first row is read, all at once.
"""

import re
import tomllib
from collections.abc import Iterator
from collections.abc import Mapping as Map
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError

from streams.errors import Misuse
from streams.shapes.origins import (
    CustomerOrigin,
    FindingOrigin,
    Found,
    FurtherScore,
    ManyOrigin,
    MoneyOrigin,
    MoneyRules,
    Origin,
    RevisionOrigin,
    ScoreOrigin,
    Strict,
    TimeOrigin,
    TimeRules,
    as_list,
)
from streams.shapes.places import KeyPath, line_of

MAPPING_BYTES_MAX: Final = 64 * 1024
_MAPPING_LINES_MAX: Final = 1_000
_FAULTS_SHOWN_MAX: Final = 20
_VARIABLE: Final = re.compile(r"\$\{([a-z_]+)\}")
_UNFIT: Final = re.compile(r"[`\"\\{}$\x00-\x1f\x7f]|.'|'.")  # what could end an expression, and begin another


class Csv(Strict):
    """How a file of rows is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=3)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: Literal["utf-8", "windows-1252", "iso-8859-1", "iso-8859-15"] = "utf-8"
    skip_rows: Annotated[int, Field(ge=0, le=100)] = 0
    order: str | None = None
    columns: dict[str, list[str]] = Field(default_factory=dict)
    optional: list[str] = Field(default_factory=list)


class Json(Strict):
    """How documents lie in a file."""

    rows: Found | None = None
    form_field: str | None = None


class Variable(Strict):
    """What `--set` may say beside fields. Without a default it must."""

    about: str
    default: str | None = None


Texts = Annotated[list[Origin], BeforeValidator(as_list), Field(min_length=1)]
Moneys = Annotated[list[MoneyOrigin], BeforeValidator(as_list), Field(min_length=1)]
Times = Annotated[list[TimeOrigin], BeforeValidator(as_list), Field(min_length=1)]
Customers = Annotated[list[CustomerOrigin], BeforeValidator(as_list), Field(min_length=1)]
Revisions = Annotated[list[RevisionOrigin], BeforeValidator(as_list), Field(min_length=1)]


class OfEvent(Strict):
    """What all kinds of events have."""

    when: Found | None = None
    each: Found | None = None
    event_id: Texts | None = None
    brand_id: Texts | None = None
    customer_id: Customers | None = None
    sale_id: Texts | None = None
    revision: Revisions | None = None
    occurred_at: Times | None = None


class OfSale(OfEvent):
    """One event of a sale."""

    action: Texts | None = None
    affiliate_id: Texts | None = None
    product_id: Texts | None = None
    offering: Texts | None = None
    amount: Moneys | None = None
    commission: Moneys | None = None
    currency: Texts | None = None
    campaign: Texts | None = None
    referred_by: Customers | None = None
    subscription_id: Texts | None = None
    other_product_ids: Annotated[list[ManyOrigin], BeforeValidator(as_list)] | None = None


class OfReversal(OfEvent):
    """One event of money given back."""

    reversal_id: Texts | None = None
    kind: Texts | None = None
    amount: Moneys | None = None
    commission: Moneys | None = None
    currency: Texts | None = None


class OfAttribution(OfEvent):
    """Who sold a sale."""

    affiliate_id: Texts | None = None
    campaign: Texts | None = None
    commission: Moneys | None = None
    currency: Texts | None = None


class OfFeedback(OfEvent):
    """One event of an answer."""

    feedback_id: Texts | None = None
    action: Texts | None = None
    affiliate_id: Texts | None = None
    metric: Texts | None = None
    score: Annotated[list[ScoreOrigin], BeforeValidator(as_list)] | None = None
    findings: Annotated[list[FindingOrigin], BeforeValidator(as_list)] | None = None
    comment: Texts | None = None
    language: Texts | None = None
    product_id: Texts | None = None
    scores: list[FurtherScore] | None = None
    asked: Texts | None = None


class Document(Strict):
    """A whole mapping file."""

    about: str
    format: Literal["csv", "json", "json-lines"]
    csv: Csv = Csv()
    json_: Json = Field(Json(), alias="json")
    variables: dict[str, Variable] = Field(default_factory=dict)
    money: MoneyRules = MoneyRules()
    time: TimeRules = TimeRules()
    let: dict[str, Customers] = Field(default_factory=dict)
    skip: Annotated[list[Found], BeforeValidator(as_list)] = Field(default_factory=list)
    sales: list[OfSale] = Field(default_factory=list)
    reversals: list[OfReversal] = Field(default_factory=list)
    attributions: list[OfAttribution] = Field(default_factory=list)
    feedback: list[OfFeedback] = Field(default_factory=list)


EVENT_KINDS: Final[Map[str, type[OfEvent]]] = {
    "sales": OfSale,
    "reversals": OfReversal,
    "attributions": OfAttribution,
    "feedback": OfFeedback,
}
_NO_FIELDS: Final = frozenset({"when", "each"})
EVENT_FIELDS: Final = {
    kind: tuple(name for name in of.model_fields if name not in _NO_FIELDS) for kind, of in EVENT_KINDS.items()
}


def variables_of(text: str, name: str) -> dict[str, Variable]:
    """The variables that a mapping lists, in its order. Raises Misuse as read_mapping() does."""
    return _read(text, name, {}).variables


def read_mapping(text: str, name: str, said: Map[str, str]) -> Document:
    """The mapping of a file `name`, with its variables as `said` or by default. Raises Misuse: every fault by its line."""
    document = _read(text, name, said)
    if missing := [
        known for known, variable in document.variables.items() if variable.default is None and known not in said
    ]:
        raise Misuse("\n".join(f"{name}: say --set {known}=…: {document.variables[known].about}" for known in missing))
    return document


def _read(text: str, name: str, said: Map[str, str]) -> Document:
    if len(text) > MAPPING_BYTES_MAX or text.count("\n") > _MAPPING_LINES_MAX:
        raise Misuse(
            f"{name}: longer than {MAPPING_BYTES_MAX:,} bytes or {_MAPPING_LINES_MAX:,} lines; is it a mapping?"
        )
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misuse(f"{name}: {_toml_fault(str(error))}") from None
    values, faults = _values(raw, said)
    filled = _filled(raw, values, (), faults)
    try:
        document = Document.model_validate(filled)
    except ValidationError as error:
        faults += [_fault(found) for found in error.errors(include_url=False, include_input=False)]
    if faults:
        raise Misuse(_told(text, name, faults))
    return document


def _values(raw: Map[str, Any], said: Map[str, str]) -> tuple[dict[str, str], list[tuple[KeyPath, str]]]:
    """What stands for each variable: what was said, or its default."""
    values: dict[str, str] = {}
    faults: list[tuple[KeyPath, str]] = []
    variables = raw.get("variables", {})
    for known, variable in variables.items() if isinstance(variables, dict) else ():
        default = variable.get("default") if isinstance(variable, dict) else None
        value = said.get(known, default if isinstance(default, str) else "")
        if _UNFIT.search(value):
            faults.append(
                (("variables", known), "its value may not have quotes, braces, backslashes or control characters")
            )
            value = ""
        values[known] = value
    return values, faults


def _filled(value: Any, values: Map[str, str], here: KeyPath, faults: list[tuple[KeyPath, str]]) -> Any:
    """The mapping with its variables' values in it."""
    if isinstance(value, dict):
        if here == ("variables",):
            return value
        return {key: _filled(inner, values, (*here, key), faults) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values, (*here, place), faults) for place, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    if unknown := [name for name in _VARIABLE.findall(value) if name not in values]:
        faults.append((here, f"${{{unknown[0]}}} is no variable: list it under [variables]"))
    return _VARIABLE.sub(lambda found: values.get(found[1], found[1]), value)


def _fault(error: Map[str, Any]) -> tuple[KeyPath, str]:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such key here"
    place = tuple(part for part in error["loc"] if not (isinstance(part, str) and "[" in part))
    return place, message


def _told(text: str, name: str, faults: list[tuple[KeyPath, str]]) -> str:
    lines = sorted({(line_of(text, place), ".".join(map(str, place)), why) for place, why in faults})
    told = [f"{name}: line {line}: {place}: {why}" for line, place, why in lines[:_FAULTS_SHOWN_MAX]]
    return "\n".join([*told, *([f"{name}: and {len(lines) - len(told)} more"] if len(lines) > len(told) else [])])


def _toml_fault(error: str) -> str:
    """tomllib's words, with the line first."""
    place = re.search(r" \(at line (\d+), column (\d+)\)$", error)
    return f"line {place[1]}: no TOML: {error[: place.start()]}" if place else f"the last line: no TOML: {error}"


def origins(of: OfEvent) -> Iterator[tuple[str, list[Any]]]:
    """The fields that a mapping says, with their origins, in order."""
    for field in type(of).model_fields:
        said = getattr(of, field)
        if field not in _NO_FIELDS and said:
            yield field, said
