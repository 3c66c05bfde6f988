"""What happens to the made-up customers: purchases, and what becomes of them, for reasons that a report can show.

Pure but for its own seeded randomness: the same seed and times give the same events. Owns the run's purchases; never
publishes and never reads a clock. Invariant: no event is later than the time it is asked for.
"""

from collections import defaultdict
from datetime import UTC, datetime
from heapq import heappop, heappush
from random import Random
from typing import Final

from schemas.events import Event, Sale
from streams.demo.cast import BRANDS, Affiliate, Brand
from streams.demo.opinions import Opinions

HISTORY_DAYS: Final = 30
PURCHASES: Final = 2_000  # in the history: about five thousand events

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_REPEAT: Final = 0.3  # of purchases by a customer who bought before
_REFERRED: Final = 0.12
_CORRECTED: Final = 0.02  # each: prices corrected, sales voided


class Story:
    """One run's customers: first a history, then whatever happens next, moment by moment."""

    def __init__(self, seed: int, start_ms: int) -> None:
        """Ids carry the start, so that a second demo in the same directory tells of other sales."""
        self._random = Random(seed)  # noqa: S311 - made-up data, the same for the same seed
        self._opinions = Opinions(self._random)
        self._start_ms = start_ms
        self._purchases = 0
        self._customers: dict[str, list[str]] = defaultdict(list)
        self._pending: list[tuple[int, str, Event]] = []  # by time, then event_id

    def history(self) -> list[Event]:
        """What happened in the 30 days up to the start, in order of time."""
        brands = [self._brand() for _ in range(PURCHASES)]
        for sold_at, brand in sorted(((self._season(brand), brand) for brand in brands), key=lambda sold: sold[0]):
            self._purchase(brand, sold_at)
        happened: list[Event] = []
        while self._pending and self._pending[0][0] <= self._start_ms:
            happened.append(heappop(self._pending)[2])
        return happened

    def next(self, now_ms: int) -> list[Event]:
        """What happens at this moment: somebody buys, and two things that were due later come now already."""
        self._purchase(self._brand(), now_ms)
        due = [heappop(self._pending)[2] for _ in range(3) if self._pending]
        return [event._replace(occurred_at=now_ms) for event in due]

    def _brand(self) -> Brand:
        return self._random.choices(BRANDS, [brand.weight for brand in BRANDS])[0]

    def _season(self, brand: Brand) -> int:
        """A time of the last 30 days, likelier on the weekdays and at the hours at which more is bought."""
        while True:
            at = self._start_ms - self._random.randrange(HISTORY_DAYS * _DAY_MS)
            moment = datetime.fromtimestamp(at / 1000, UTC)
            likely = brand.weekdays[moment.weekday()] * brand.hours[moment.hour // 3]
            if self._random.random() * max(brand.weekdays) * max(brand.hours) < likely:
                return at

    def _purchase(self, brand: Brand, sold_at: int) -> None:
        seller = self._random.choices(brand.affiliates, [found.weight for found in brand.affiliates])[0]
        self._purchases += 1
        sale = self._sale(brand, seller, sold_at)
        happening: list[Event] = [sale, *self._reversals(sale, seller), *self._opinions.of(sale, seller)]
        for event in happening:
            heappush(self._pending, (event.occurred_at, event.event_id, event))

    def _sale(self, brand: Brand, seller: Affiliate, sold_at: int) -> Sale:
        amount = self._random.choice(brand.prices) * 10_000 - 100  # so many units less one cent
        sale_id = f"{self._start_ms:x}-{self._purchases}"
        return Sale(
            event_id=f"{sale_id}:placed",
            brand_id=brand.brand_id,
            customer_id=self._customer(brand),
            sale_id=sale_id,
            action="PLACED",
            revision=0,
            affiliate_id=seller.affiliate_id,
            product_id=self._random.choice(brand.products),
            offering=brand.offering,
            amount=amount,
            commission=amount // 10 if seller.affiliate_id else 0,
            currency=brand.currency,
            campaign=self._random.choice(seller.campaigns),
            referred_by=self._referrer(brand, sold_at),
            occurred_at=sold_at,
        )

    def _customer(self, brand: Brand) -> str:
        known = self._customers[brand.brand_id]
        if known and self._random.random() < _REPEAT:
            return self._random.choice(known)
        known.append(f"c-{self._start_ms:x}-{len(known)}")
        return known[-1]

    def _referrer(self, brand: Brand, sold_at: int) -> str | None:
        """Somebody who was delighted before this sale."""
        told = [customer for answered_at, customer in self._opinions.promoters[brand.brand_id] if answered_at < sold_at]
        return self._random.choice(told) if told and self._random.random() < _REFERRED else None

    def _reversals(self, sale: Sale, seller: Affiliate) -> list[Sale]:
        """Refunds, chargebacks, corrected prices, voided sales."""
        found = []
        chance = self._random.random
        for action, share in (("REFUNDED", seller.refunded), ("CHARGED_BACK", seller.charged_back)):
            if chance() < share:
                part = self._random.choice((2, 1, 1))  # half of the price, or all of it
                changes = {"amount": sale.amount // part, "commission": sale.commission // part}
                found.append(self._later(sale, action, 15 * 24, action=action, **changes))
        if chance() < _CORRECTED:
            found.append(self._later(sale, "corrected", 24, revision=1, amount=sale.amount * 9 // 10))
        if chance() < _CORRECTED:
            found.append(self._later(sale, "voided", 48, revision=2, action="REJECTED"))
        return found

    def _later(self, sale: Sale, what: str, hours_max: int, **changes: object) -> Sale:
        at = sale.occurred_at + self._random.randrange(_HOUR_MS, hours_max * _HOUR_MS)
        event_id = f"{sale.sale_id}:{what.lower()}"
        return sale._replace(event_id=event_id, occurred_at=at, **changes)  # type: ignore[arg-type]
