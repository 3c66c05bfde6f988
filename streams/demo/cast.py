"""Who sells, and how well: the made-up brands and affiliates of the demo, as data.

Owns the characters; story.py makes them act. Shares are fractions of 1; weights are relative to each other.
"""

from typing import Final, NamedTuple


class Cause(NamedTuple):
    """Something customers say, in English and Spanish."""

    verdict: str
    topic: str
    weight: int
    english: str
    spanish: str


class Affiliate(NamedTuple):
    """One seller; affiliate_id is None for the brand's direct sales."""

    affiliate_id: str | None
    weight: int  # of the brand's sales
    happy: float  # share of the customers who answer content
    refunded: float
    charged_back: float
    campaigns: tuple[str, ...]
    praise: tuple[Cause, ...]
    complaints: tuple[Cause, ...]


class Brand(NamedTuple):
    """One platform. `prices` in whole units of its currency.

    `weekdays` weighs Monday to Sunday, `hours` the day by threes; both in UTC.
    """

    brand_id: str
    offering: str
    currency: str
    weight: int
    prices: tuple[int, ...]
    products: tuple[str, ...]
    weekdays: tuple[float, ...]
    hours: tuple[float, ...]
    affiliates: tuple[Affiliate, ...]


_ADVICE: Final = Cause("DONE_RIGHT", "advice", 3, "Told me exactly what to expect.", "Me dijo justo qué esperar.")
_QUALITY: Final = Cause("DONE_RIGHT", "quality", 4, "Better than I hoped.", "Mejor de lo que esperaba.")
_PACKAGING: Final = Cause("DONE_RIGHT", "packaging", 1, "Beautifully wrapped.", "Muy bien envuelto.")
_PRICE: Final = Cause("DONE_RIGHT", "price", 4, "A bargain.", "Una ganga.")
_PROGRAMME: Final = Cause("DONE_RIGHT", "programme", 4, "What an evening!", "¡Qué noche!")
_LATE: Final = Cause("UNMET_EXPECTATION", "delivery", 6, "Promised two days, took nine.", "Dos días, dijeron: nueve.")
_SMALL: Final = Cause("NEEDS_IMPROVEMENT", "size", 3, "The size runs small.", "La talla es pequeña.")
_FEES: Final = Cause(
    "MISSING_INFORMATION", "fees", 6, "Nobody mentioned the fees.", "Nadie mencionó los gastos de gestión."
)
_RETURNS: Final = Cause(
    "MISSING_INFORMATION", "returns", 2, "Returning it is at my expense?", "¿La devolución la pago yo?"
)
_ASSEMBLY: Final = Cause("NOT_CONSIDERED", "assembly", 2, "I needed a drill.", "Me hacía falta un taladro.")
_PARKING: Final = Cause("NOT_CONSIDERED", "parking", 2, "No parking for miles.", "Ni un sitio donde aparcar.")
_VIEW: Final = Cause("UNMET_EXPECTATION", "seat-view", 4, "Behind a pillar.", "Detrás de una columna.")
_QUEUE: Final = Cause("NEEDS_IMPROVEMENT", "queue", 2, "An hour in the queue.", "Una hora de cola.")
_CANCEL: Final = Cause(
    "MISSING_INFORMATION",
    "cancellation",
    5,
    "Try and cancel this subscription!",
    "¡A ver quién cancela la suscripción!",
)
_TRIAL: Final = Cause(
    "UNMET_EXPECTATION", "free-trial", 3, "The free month was not free.", "El mes gratis no era gratis."
)
_DEVICES: Final = Cause("NOT_CONSIDERED", "devices", 2, "Not on my television.", "En mi televisor no funciona.")

BRANDS: Final = (
    Brand(
        "lumbre", "PHYSICAL", "EUR", 3, (19, 35, 49, 80, 120), ("lamp", "rug", "blanket", "shelf", "jacket"),
        (1.0, 0.9, 0.9, 1.0, 1.2, 1.6, 1.5),
        (0.2, 0.1, 0.5, 1.2, 1.1, 1.0, 1.5, 1.2),
        (
            Affiliate("ana-hogar", 5, 0.88, 0.03, 0.0, ("newsletter", "reels"), (_ADVICE, _QUALITY, _PACKAGING),
                      (_ASSEMBLY, _SMALL)),
            Affiliate("gangas24", 8, 0.45, 0.16, 0.02, ("coupon-10", "flash-sale"), (_PRICE,),
                      (_LATE, _FEES, _RETURNS, _SMALL)),
            Affiliate("taller-marta", 1, 0.8, 0.04, 0.0, ("workshop",), (_ADVICE, _QUALITY), (_LATE, _ASSEMBLY)),
            Affiliate("casa-clara", 3, 0.7, 0.06, 0.004, ("blog", "pins"), (_QUALITY, _PACKAGING), (_SMALL, _ASSEMBLY)),
            Affiliate("precio-rayo", 3, 0.58, 0.11, 0.01, ("comparison",), (_PRICE, _QUALITY), (_LATE, _RETURNS)),
            Affiliate(None, 4, 0.72, 0.06, 0.003, ("home",), (_QUALITY, _PACKAGING), (_LATE, _SMALL, _RETURNS)),
        ),
    ),
    Brand(
        "velada", "SERVICE", "USD", 2, (12, 25, 40, 75), ("concert", "cinema-pass", "comedy-night", "streaming-month"),
        (0.7, 0.7, 0.8, 1.0, 1.9, 2.2, 1.1),
        (0.8, 0.2, 0.2, 0.5, 0.8, 1.1, 2.0, 2.4),
        (
            Affiliate("nightowl", 4, 0.9, 0.02, 0.0, ("podcast", "guide"), (_ADVICE, _PROGRAMME), (_PARKING, _QUEUE)),
            Affiliate("ticketblitz", 6, 0.4, 0.09, 0.03, ("pop-up", "last-minute"), (_PRICE, _PROGRAMME),
                      (_FEES, _CANCEL, _VIEW, _PARKING)),
            Affiliate("serie-club", 3, 0.82, 0.03, 0.002, ("forum",), (_ADVICE, _PROGRAMME), (_DEVICES, _CANCEL)),
            Affiliate("trial-king", 3, 0.3, 0.12, 0.04, ("free-month",), (_PRICE,), (_CANCEL, _TRIAL, _FEES)),
            Affiliate("cine-mapa", 1, 0.65, 0.05, 0.005, ("map",), (_PROGRAMME,), (_VIEW, _QUEUE, _PARKING)),
            Affiliate(None, 4, 0.75, 0.04, 0.002, ("app",), (_PROGRAMME,), (_QUEUE, _VIEW, _DEVICES, _PARKING)),
        ),
    ),
)  # fmt: skip
