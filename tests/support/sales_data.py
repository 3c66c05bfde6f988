"""Random rows of sales, answers and comments for the tests of the views made of these: few ids, customers and instants, so that
they meet; times at the edges of months; ids that only a comparison by code point puts in order."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from schemas.measures import MEASURES, VERDICTS
from tests.support.views_oracle import Row

BRANDS = ("b1", "b2")
CUSTOMERS = (
    "c1",
    "c2",
    "c3",
    "c4",
    "C1",
    "\N{LATIN SMALL LETTER E WITH ACUTE}'--",
    "\N{FULLWIDTH LATIN SMALL LETTER A}",
)
AFFILIATES = ("", "a1", "a2")
FIRST_ROWS = {"generation": 1, "version": 10}
_IDS = (
    "s",
    "S",
    "s1",
    "\N{FULLWIDTH LATIN SMALL LETTER S}",
    "\N{MAHJONG TILE RED DRAGON}",
)  # UTF-16 orders the last two otherwise


def sale(**known: object) -> Row:
    """A row of journeys: a valid sale, where nothing else is said."""
    row: Row = {
        "brand_id": "b1", "sale_id": "s1", "customer_id": "c1", "affiliate_id": "a1", "product_id": "p",
        "offering": "PHYSICAL", "campaign": "", "status": "valid", "amount": 0, "commission": 0, "currency": "EUR",
        "occurred_at": 0, "is_new_customer": 0, "referred_by": "", "refunded": 0, "charged_back": 0, "answers": 0,
        "last_metric": "", "last_score": None, "verdicts": "", "feedback_delay_seconds": None, "subscription_id": "",
        "is_renewal": 0, "refunds": 0, "chargebacks": 0, "commission_reversed": 0, "mismatched_amounts": 0,
        "last_nps": None, "last_csat": None, "last_ces": None,
    }  # fmt: skip
    return row | FIRST_ROWS | known


def answer(**known: object) -> Row:
    """A row of answers: one that is linked to s1, where nothing else is said."""
    row: Row = {
        "brand_id": "b1", "feedback_id": "f1", "customer_id": "c1", "status": "answered", "match": "sale",
        "sale_id": "s1", "invited_sale_id": "", "affiliate_id": "a1", "metric": "", "score": None, "findings": "",
        "invited_at": 0, "answered_at": 0, "nps": None, "csat": None, "ces": None, "has_comment": 0,
    }  # fmt: skip
    return row | FIRST_ROWS | known


def comment(**known: object) -> Row:
    """A row of comments, of answer f1 where nothing else is said."""
    row: Row = {"brand_id": "b1", "customer_id": "c1", "feedback_id": "f1", "comment": "", "language": ""}
    return row | FIRST_ROWS | known


def instants(dice: random.Random, now: datetime, months: int = 14) -> list[int]:
    """Moments of the months before a time, in epoch milliseconds: the first and last of each, one within, and one after it."""
    found = [round((now + timedelta(minutes=5)).timestamp() * 1000)]
    year, month = now.year, now.month
    for _ in range(months):
        start = round(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
        found += [start, start - 1, start + dice.randrange(27 * 86_400_000)]
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    latest = found[0]
    return [moment for moment in found if moment <= latest]


def sales(seed: int, now: datetime, size: int = 60, customers: tuple[str, ...] = CUSTOMERS) -> list[Row]:
    """Rows of journeys; whose customer is new is what the rows say."""
    dice = random.Random(seed)
    moments = dice.sample(instants(dice, now), 14)
    found: dict[tuple[str, ...], Row] = {}
    for _ in range(size):
        row = sale(
            brand_id=dice.choice(BRANDS),
            customer_id=dice.choice(customers),
            sale_id=dice.choice(_IDS) + dice.choice(("", "2")),
            affiliate_id=dice.choice(AFFILIATES),
            status=dice.choice(("valid", "valid", "valid", "rejected")),
            currency=dice.choice(("EUR", "EUR", "USD")),
            amount=dice.choice((0, 1, 10**14, dice.randrange(10**7))),
            refunded=dice.choice((0, 0, dice.randrange(10**7))),
            charged_back=dice.choice((0, 0, dice.randrange(10**7))),
            referred_by=dice.choice(("", *CUSTOMERS, "unknown")),
            occurred_at=dice.choice(moments),
        )
        found[row["brand_id"], row["customer_id"], row["sale_id"]] = row
    _tell_new_customers(found.values())
    return list(found.values())


def _tell_new_customers(rows: Iterable[Row]) -> None:
    firsts: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: (row["occurred_at"], row["sale_id"])):
        if row["status"] == "valid":
            firsts.setdefault((row["brand_id"], row["customer_id"]), row)
    for row in firsts.values():
        row["is_new_customer"] = 1


def answers(seed: int, sold: list[Row], size: int = 60) -> list[Row]:
    """Rows of answers: of one's own sale or linked to none, at the instants of sales or a millisecond beside them."""
    dice = random.Random(seed)
    found = []
    for number in range(size):
        of = dice.choice(sold)
        linked = of["status"] == "valid" and dice.random() < 0.7
        row = answer(
            brand_id=of["brand_id"],
            customer_id=of["customer_id"],
            feedback_id=f"{dice.choice(_IDS)}-{number}",
            status=dice.choice(("answered", "answered", "answered", "withdrawn", "invited")),
            match="customer" if linked else dice.choice(("none", "ambiguous", "quarantined")),
            sale_id=of["sale_id"] if linked else "",
            affiliate_id=of["affiliate_id"] if linked else "",
            answered_at=dice.choice(sold)["occurred_at"] + dice.choice((-1, 0, 1)),
        )
        if row["status"] == "answered":
            row |= _said(dice)
        elif row["status"] == "invited":
            row["answered_at"] = 0
        found.append(row)
    return found


def _said(dice: random.Random) -> Row:
    findings = {
        f"{dice.choice(VERDICTS)}:{dice.choice(('price', 'a-b', '0'))}" for _ in range(dice.choice((0, 1, 2, 9)))
    }
    return {
        "findings": ",".join(sorted(findings)),
        "nps": dice.choice((None, 0, 6, 7, 8, 9, 10)),
        "csat": dice.choice((None, 1, 3, 4, 5)),
        "ces": dice.choice((None, 1, 7)),
    }


def comments(seed: int, given: list[Row]) -> list[Row]:
    """Rows of comments, some of them blank, some of answers that have none any more, and one of an answer that nobody knows."""
    dice = random.Random(seed)
    texts = ("", "late", "it's 'fine' -- \\ \N{PILE OF POO}\n\ttwo lines")
    found = [
        comment(comment=dice.choice(texts), language=dice.choice(("", "pt-BR")))
        | {key: row[key] for key in ("brand_id", "customer_id", "feedback_id")}
        for row in given
        if dice.random() < 0.7
    ]
    return [*found, comment(feedback_id="unknown", comment="late")]


def campaign_sales(seed: int, at: datetime, pane_s: int, size: int = 150) -> list[Row]:
    """Rows of journeys about the edges of windows that end at a time, to the millisecond, with what may become of a sale."""
    dice = random.Random(seed)
    edges = [round((at - timedelta(days=days)).timestamp() * 1000) for days in (0, 7, 30, 90)]
    offsets = (0, -1, 1, *(sign * dice.randrange(3 * pane_s * 1000) for sign in (-1, 1) * 4), 3 * 86_400_000)
    found = sales(seed, at, size, (*CUSTOMERS, *map(str, range(30))))
    for row in found:
        row |= {
            "occurred_at": dice.choice(edges) + dice.choice(offsets),
            "campaign": dice.choice(("", "spring", "\N{LATIN SMALL LETTER E WITH ACUTE}'")),
            "commission": dice.randrange(10**6),
            "is_renewal": dice.randrange(2),
            "is_new_customer": dice.randrange(2),
            "refunds": dice.choice((0, 0, 1, 2)),
            "chargebacks": dice.choice((0, 0, 1)),
            "commission_reversed": dice.choice((0, dice.randrange(10**6))),
        }
    return found


def tell_answers(sold: list[Row], given: list[Row]) -> None:
    """Says in each sale how many answers it has."""
    for row in sold:
        of = (row["brand_id"], row["customer_id"], row["sale_id"])
        row["answers"] = sum(
            of == (said["brand_id"], said["customer_id"], said["sale_id"])
            for said in given
            if said["status"] == "answered"
        )


def panes_of(seed: int, sold: list[Row], pane_s: int) -> list[Row]:
    """Rows of affiliate_panes: those in which the valid sales lie, and as many without sales, which a voided sale may leave."""
    dice = random.Random(seed)
    found: dict[tuple[object, ...], Row] = {}
    for row in sold:
        key = {name: row[name] for name in ("brand_id", "affiliate_id", "currency")} | {
            "source_partition": dice.randrange(2)
        }
        bucket = row["occurred_at"] // 1000 // pane_s * pane_s
        for start, count in ((bucket, int(row["status"] == "valid")), (bucket + dice.randint(-4, 4) * pane_s, 0)):
            pane = key | {"bucket": start} | dict.fromkeys(MEASURES, 0) | FIRST_ROWS
            found.setdefault(tuple(pane[name] for name in (*key, "bucket")), pane)["sales"] += count
    return list(found.values())
