"""What a mapping may say of one value: where it comes from, and how it is read. One class for each kind of value.

Owns these forms; docs/shapes.md explains them. Pure. Invariant: an origin that was made can be used: its expressions,
patterns and zones are read already.
"""

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.measures import VERDICTS
from schemas.validation import METRICS, SCORES
from streams.shapes.expressions import Expression, Template, expression, template
from streams.shapes.times import TimeForm

SKIP: Final = "skip"  # a word that leaves the event out, or of `let` the row


def _expression(text: object) -> object:
    return expression(text) if isinstance(text, str) else text


def _template(text: object) -> object:
    return template(text) if isinstance(text, str) else text


def _pattern(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"no regular expression: {error}") from None
    if pattern.groups != 1:
        raise ValueError(f"it has {pattern.groups} groups in parentheses; exactly one says what is taken")
    return pattern


def _zone(text: str | None) -> str | None:
    if not text:
        return None
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no time zone, such as Europe/Madrid or UTC") from None
    return text


def _hour(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError("expected hours and minutes, such as 12:00")
    return text


def as_list(value: object) -> object:
    """One thing is a list of one."""
    return value if isinstance(value, list) else [value]


def _patterns(value: object) -> object:
    return None if value == "" else as_list(value)


Found = Annotated[Expression, BeforeValidator(_expression)]
Filled = Annotated[Template, BeforeValidator(_template)]
Patterns = Annotated[Annotated[list[str], Field(min_length=1, max_length=10)] | None, BeforeValidator(_patterns)]


class Strict(BaseModel):
    """Nothing that isn't known, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class Origin(Strict):
    """Where text comes from, in this order: found or filled or constant, cut, looked up."""

    from_: Found | None = Field(None, alias="from")
    template: Filled | None = None
    value: str | int | None = None
    absent: list[str] = Field(default_factory=list)
    find: Annotated[re.Pattern[str], BeforeValidator(_pattern)] | None = None
    strip: str | None = None
    case: Literal["lower", "upper"] | None = None
    words: dict[str, str] | None = None
    unknown: Literal["refuse", "skip", "absent", "keep"] = "refuse"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """An expression alone is `from`; a number alone a `value`."""
        if isinstance(value, str):
            return {"from": value}
        return {"value": value} if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _of_one_place(self) -> Self:
        if sum(place is not None for place in self._ways()) != 1:
            raise ValueError(f"say one of {', '.join(self._names())}")
        return self

    def _ways(self) -> tuple[object, ...]:
        return self.from_, self.template, self.value

    def _names(self) -> tuple[str, ...]:
        return "from", "template", "value"

    @property
    def is_plain(self) -> bool:
        """Whether nothing is done with what it finds."""
        return not (self.absent or self.find or self.strip or self.case or self.words is not None)

    @property
    def roots(self) -> frozenset[str]:
        """The names that it reads at the top of a document."""
        found = [way.roots for way in self._ways() if isinstance(way, Expression | Template)]
        return frozenset().union(*found)


class CustomerOrigin(Origin):
    """Who bought or answered: an id, the pseudonym of an address, or the order itself."""

    pseudonym: Found | None = None
    order: Literal[True] | None = None

    def _ways(self) -> tuple[object, ...]:
        return (*super()._ways(), self.pseudonym, self.order)

    def _names(self) -> tuple[str, ...]:
        return (*super()._names(), "pseudonym", "order")


class MoneyRules(Strict):
    """How a source writes money."""

    decimal: Literal[".", ","] | None = None
    thousands: Literal["", ".", ",", "'", " ", "\u00a0", "\u202f"] | None = None
    minor_units: bool | None = None
    digits: dict[str, Annotated[int, Field(ge=0, le=4)]] | None = None
    sign: Literal["as it is", "without", "turned"] | None = None


class TimeRules(Strict):
    """How a source writes times."""

    pattern: Patterns = None
    unit: Literal["s", "ms", "us", "ns"] | None = None
    zone: Annotated[str | None, AfterValidator(_zone)] = None
    doubled: Literal["first", "second"] | None = None
    day_at: Annotated[str, AfterValidator(_hour)] | None = None

    @model_validator(mode="after")
    def _of_one_form(self) -> Self:
        if self.pattern and self.unit:
            raise ValueError("say `pattern` for text or `unit` for numbers, not both")
        return self


class MoneyOrigin(Origin, MoneyRules):
    """An amount; of a list of them, the sum."""


class TimeOrigin(Origin, TimeRules):
    """A time."""

    def clock(self, rules: TimeRules) -> TimeForm:
        """How it is read, with what the mapping says for all its times."""
        patterns, unit = self.pattern, self.unit
        if not patterns and not unit:
            patterns, unit = rules.pattern, rules.unit
        zone = self.zone or rules.zone
        hours, minutes = (self.day_at or rules.day_at or "12:00").split(":")
        return TimeForm(
            patterns=tuple(patterns or ()),
            unit=unit or "",
            zone=ZoneInfo(zone) if zone else None,
            doubled=self.doubled or rules.doubled or "first",
            day_at=time(int(hours), int(minutes)),
        )


class RevisionOrigin(TimeOrigin):
    """A revision: of a time, whole seconds since 2000; with `number`, as it is; with `cents`, an amount in hundredths."""

    by: Literal["time", "number", "cents"] = "time"


ScaleEnd = Annotated[int, Field(strict=False)]  # a variable's value is text


class ScoreOrigin(Origin):
    """A score. `scale` is the source's lowest and highest, where it is not the metric's."""

    scale: tuple[ScaleEnd, ScaleEnd] | None = Field(None, strict=False)

    @model_validator(mode="after")
    def _scale_rises(self) -> Self:
        if self.scale and self.scale[0] >= self.scale[1]:
            raise ValueError("scale: the lowest comes before the highest")
        return self


class FurtherScore(ScoreOrigin):
    """One of `scores`."""

    metric: str

    @model_validator(mode="after")
    def _metric_is_known(self) -> Self:
        if self.metric not in SCORES:
            raise ValueError(f"metric: expected one of {', '.join(METRICS)}")
        return self


class FindingOrigin(Origin):
    """Findings of the choices that were ticked: `words` from a choice to VERDICT:topic, or to a topic of `verdict`."""

    verdict: str | None = None

    @model_validator(mode="after")
    def _verdicts_are_known(self) -> Self:
        said = [word.partition(":")[0] for word in (self.words or {}).values() if ":" in word]
        if wrong := {*said, *([self.verdict] if self.verdict else [])} - set(VERDICTS):
            raise ValueError(f"{', '.join(sorted(wrong))}: no verdict; there are {', '.join(VERDICTS)}")
        bare = [word for word in (self.words or {}).values() if ":" not in word and word != SKIP]
        if not self.verdict and bare:
            raise ValueError("say `verdict`, or VERDICT:topic in each of `words`")
        return self


class ManyOrigin(Origin):
    """A list of texts."""


ORIGIN_OF: Final[Mapping[str, type[Origin]]] = {
    "amount": MoneyOrigin,
    "commission": MoneyOrigin,
    "occurred_at": TimeOrigin,
    "revision": RevisionOrigin,
    "customer_id": CustomerOrigin,
    "referred_by": CustomerOrigin,
    "score": ScoreOrigin,
    "scores": FurtherScore,
    "findings": FindingOrigin,
    "other_product_ids": ManyOrigin,
}  # every other field is text
