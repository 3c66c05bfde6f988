"""The closed list of what comments are read for, and what may be said of it.

Owns the slugs and their meaning. Invariant: a topic's place in TOPIC_MEANINGS and a verdict's in VERDICT_MEANINGS are what
lexicons hold; published readers keep theirs, so that the lists only grow at their ends.
"""

from typing import Final

TOPIC_MEANINGS: Final[dict[str, str]] = {
    # goods
    "delivery": "whether, when and how it arrived: speed, punctuality, carrier, tracking",
    "packaging": "box, wrapping, protection on the way",
    "order": "complete and correct: a wrong, missing, additional or exchanged piece",
    "product": "the thing itself, when nothing narrower is said",
    "quality": "material, workmanship, durability; works or doesn't; defective, damaged",
    "description": "as announced: pictures, text, size table; genuine or fake",
    "size": "measures, fit",
    "design": "colour, looks",
    "price": "value for money, cheap, expensive",
    "fees": "shipping costs, customs, taxes, surcharges",
    "support": "answers, help, being ignored, order status not told",
    "returns": "returning, exchanging, getting money back",
    "payment": "paying, invoice, being charged",
    "shop": "the seller or the site as such, trust",
    "availability": "out of stock, sold though not there",
    "instructions": "manual, guidance",
    "installation": "assembling, setting up",
    "compatibility": "works with other things, devices, models",
    "warranty": "guarantee, repairs under it",
    # services
    "content": "catalogue, programme, the show, film or game itself",
    "performance": "picture, sound, buffering, outages, crashes",
    "app": "app, site, how easy it is to use",
    "devices": "which televisions, phones, browsers it runs on",
    "account": "registering, signing in, verification, profiles",
    "cancellation": "ending it",
    "renewal": "renewing by itself, a trial that turned into a bill",
    "booking": "reserving, tickets, choosing seats",
    "venue": "place, seats, comfort, cleanliness, parking",
    "queue": "waiting in line, waiting times",
    "staff": "the people there",
    "schedule": "times, changed or cancelled dates",
    "ads": "advertising, spam",
    "bonus": "bonus, promotion, its conditions",
    "withdrawals": "getting winnings or balance paid out",
}
_GOODS: Final = tuple(TOPIC_MEANINGS)[:19]
_OF_BOTH: Final = ("price", "fees", "support", "returns", "payment")
# By pack: what a comment on that offering is read for.
TOPICS_OF: Final[dict[str, frozenset[str]]] = {
    "shop": frozenset(_GOODS),
    "service": frozenset(TOPIC_MEANINGS) - frozenset(_GOODS) | frozenset(_OF_BOTH),
}
# The pack that reads a comment, by what was sold.
PACK_OF: Final[dict[str, str]] = {"PHYSICAL": "shop", "SERVICE": "service"}

VERDICT_MEANINGS: Final[dict[str, str]] = {
    "DONE_RIGHT": "praise of the topic",
    "NEEDS_IMPROVEMENT": "a complaint or wish that is none of the following",
    "UNMET_EXPECTATION": "what was promised or expected did not happen",
    "MISSING_INFORMATION": "something about what was sold that should have been told before the sale and was not",
    "NOT_CONSIDERED": "a need or aspect found out only afterwards, that nobody had thought of at the sale",
}
DONE: Final = 0
IMPROVE: Final = 1
UNMET: Final = 2
UNTOLD: Final = 3
UNTHOUGHT: Final = 4
