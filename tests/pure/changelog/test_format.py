"""The shape of what a partition remembers is pinned: it does not change unless FORMAT does.

A worker reads what another version of it wrote. What has another shape must have another FORMAT, so that a claim refuses it
(streams/changelog/meta.py) instead of misreading it.
"""

from dataclasses import fields
from hashlib import sha256
from typing import Final, get_args

import pytest

from schemas.measures import MEASURES, TOPIC_MEASURES, VERDICTS
from streams.brokers.topics import SOURCES
from streams.changelog import meta, records
from streams.changelog.meta import Applied, Ground, Meta
from streams.domain import panes, state
from streams.domain.state import (
    FORMAT,
    AnswerHead,
    AttributionHead,
    Customer,
    FeedbackState,
    Invitation,
    ReversalHead,
    SaleHead,
    SaleState,
)

# Of every format there ever was, the digest of its shape. Published ones stay as they are.
DIGESTS: Final = {1: "8515d1b685fd1d9d", 2: "8637e821610edcd6"}


def shape() -> dict[str, object]:
    """Everything that decides how the bytes of the changelog are read."""
    return {
        "customer": [
            record.__name__ + str(record._fields)
            for record in (SaleHead, AttributionHead, ReversalHead, Invitation, AnswerHead)
        ],
        "words by position": [state.OFFERINGS, state.METRICS, state.REVERSAL_KINDS, VERDICTS, state.NO_SCORE],
        "pane": [str(get_args(panes.PaneKey)), MEASURES],
        "topic": [str(get_args(panes.TopicKey)), TOPIC_MEASURES],
        "comment": str(get_args(records.CommentKey)),
        "letter": [str(get_args(records.RefusalKey)), records.KeptRefusal._fields],
        # What is inherited is left out of a META that has none of it, so it gave the format no other shape.
        "meta": [[f.name for f in fields(kind) if f.name != "inherited"] for kind in (Ground, Meta, Applied)]
        + [SOURCES],
        "kinds": [records.CUSTOMER, records.PANE, records.TOPIC, records.COMMENT, records.REFUSAL, records.META],
    }


def test_a_changed_shape_needs_another_format() -> None:
    digest = sha256(repr(shape()).encode()).hexdigest()[:16]
    assert DIGESTS.get(FORMAT) == digest, (
        f"what a partition remembers has another shape than format {FORMAT} had. Set FORMAT in streams/domain/state.py to "
        f"{max(DIGESTS) + 1} and enter the digest here: {max(DIGESTS) + 1}: {digest!r}. Workers then refuse what was written "
        "before; the state is rebuilt from the topics."
    )


CUSTOMER: Final = Customer("brand", "customer")
CUSTOMER.sales = {
    "s1": SaleState(
        SaleHead(
            2, "e1", 0, "ana", "p1", 1, 1_234_500, 60_000, "EUR", "spring", "c2", 1_700_000_000_000, "sub", ("p2", "p3")
        ),
        AttributionHead(1, "e5", "bo", "post", 7_000, "EUR", 1_700_000_000_000),
        {"r2": ReversalHead("r2", 3, "e2", 1, 10_000, 500, "EUR", 1_700_000_060_000)},
    ),
    "s2": SaleState(None, None, {}),
}
CUSTOMER.feedbacks = {
    "f1": FeedbackState(
        Invitation(0, "e3", "s1", "", "p1", 1_700_000_100_000),
        AnswerHead(
            1, "e4", 0, "s1", "ana", "p1", 1, 9, ((2, 4),), ((0, "price"), (4, "fees")), 1_700_000_200_000, b"12345678"
        ),
    )
}
PANE: Final = [*range(len(MEASURES) - 1), -5]
GROUND: Final = Ground(8, 300, 7_776_000_000, "sales-id", "feedback-id")
META: Final = Meta(GROUND, 3, {topic: Applied(50, 1_700_000_000_000) for topic in SOURCES})

WRITTEN: Final = {
    "customer": (records.customer_key(b"brand:customer"), state.encode(CUSTOMER)),
    "pane": (records.pack_key(records.PANE, ("brand", "ana", "EUR", 1_700_000_100)), records.pack_measures(PANE)),
    "topic": (
        records.pack_key(records.TOPIC, ("brand", "ana", "fees", "MISSING_INFORMATION", 1_700_000_100)),
        records.pack([3, 1, 0, 1, 2, 1]),
    ),
    "comment": (records.pack_key(records.COMMENT, ("brand", "customer", "f1")), records.pack(("Good.", "en"))),
    "letter": (
        records.pack_key(records.REFUSAL, ("posventa.sales.v1", 3, 7)),
        records.pack(records.KeptRefusal("undecodable", "8 bytes", "key", 1_700_000_000_000)),
    ),
    "meta": (records.META, meta.encode(META)),
}
# By kind: key and value, in hex, as the version that made FORMAT what it is wrote them.
GOLDEN: Final = {
    "customer": (
        "636272616e643a637573746f6d6572",
        "9502a56272616e64a8637573746f6d65729294a273319e02a2653100a3616e61a2703101ce0012d644cdea60a3455552"
        "a6737072696e67a26332cf0000018bcfe56800a373756292a27032a270339701a26535a2626fa4706f7374cd1b58a345"
        "5552cf0000018bcfe568009198a2723203a2653201cd2710cd01f4a3455552cf0000018bcfe6526094a27332c0c09091"
        "93a266319600a26533a27331a0a27031cf0000018bcfe6eea09c01a2653400a27331a3616e61a2703101099192020492"
        "9200a570726963659204a466656573cf0000018bcfe87540c4083132333435363738",
    ),
    "pane": (
        "7094a56272616e64a3616e61a3455552ce6553f164",
        "dc0024000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122fb",
    ),
    "topic": (
        "7495a56272616e64a3616e61a466656573b34d495353494e475f494e464f524d4154494f4ece6553f164",
        "96030100010201",
    ),
    "comment": (
        "7893a56272616e64a8637573746f6d6572a26631",
        "92a5476f6f642ea2656e",
    ),
    "letter": (
        "6493b1706f7376656e74612e73616c65732e76310307",
        "94ab756e6465636f6461626c65a738206279746573a36b6579cf0000018bcfe56800",
    ),
    "meta": (
        "6d",
        "939692b56174747269627574696f6e5f77696e646f775f6d73cf00000001cf7c580092b1666565646261636b5f746f70"
        "69635f6964ab666565646261636b2d696492a6666f726d61740292a670616e655f73cd012c92aa706172746974696f6e"
        "730892ae73616c65735f746f7069635f6964a873616c65732d696403929232cf0000018bcfe568009232cf0000018bcf"
        "e56800",
    ),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_record_has_the_bytes_that_it_always_had(kind: str) -> None:
    key, value = WRITTEN[kind]
    assert (key.hex(), value.hex()) == GOLDEN[kind]


def test_golden_bytes_are_read_as_what_was_written() -> None:
    def value(kind: str) -> bytes:
        return bytes.fromhex(GOLDEN[kind][1])

    assert state.encode(state.decode(value("customer"))) == state.encode(CUSTOMER)
    assert state.decode(value("customer")).sales["s1"].head == CUSTOMER.sales["s1"].head
    assert records.unpack_measures(value("pane")) == tuple(PANE)
    assert records.unpack_topic(value("topic")) == (3, 1, 0, 1, 2, 1)
    assert meta.decode(value("meta")) == META
