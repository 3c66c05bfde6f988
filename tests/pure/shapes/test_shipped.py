"""Every shipped shape makes of its sample what a person reads in it: the events here were worked out from the files by hand."""

import hashlib
import hmac
import re
from datetime import datetime
from decimal import Decimal

import pytest

from schemas.events import Attribution, Event, Feedback, Finding, Reversal, Sale, Score
from streams.shapes.catalogue import SHIPPED, shipped
from tests.support.shaped import KEY, SAMPLES, followed, sample, shape_from


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def since_2000(text: str) -> int:
    return (at(text) - at("2000-01-01T00:00:00Z")) // 1000


def money(text: str) -> int:
    return int(Decimal(text) * 10_000)


def person(number: int) -> str:
    return hmac.new(KEY.encode(), b"c%d@example.com" % number, hashlib.sha256).hexdigest()


def sale(event_id: str, sale_id: str, customer_id: str, amount: str, occurred_at: str, **other: object) -> Sale:
    """A placed sale of norte in euro, if nothing else is said."""
    fields = {
        "action": "PLACED", "revision": 0, "affiliate_id": None, "offering": "PHYSICAL", "commission": 0,
        "currency": "EUR", "campaign": None, "referred_by": None, **other,
    }  # fmt: skip
    return Sale(
        event_id=event_id, brand_id="norte", customer_id=customer_id, sale_id=sale_id, amount=money(amount),
        occurred_at=at(occurred_at), **fields,  # type: ignore[arg-type]
    )  # fmt: skip


def reversal(  # noqa: PLR0913 - as many as an event has
    event_id: str,
    sale_id: str,
    reversal_id: str,
    amount: str,
    occurred_at: str,
    revision: int,
    *,
    kind: str = "REFUND",
    customer_id: str | None = None,
    currency: str = "EUR",
) -> Reversal:
    return Reversal(event_id, "norte", customer_id, sale_id, reversal_id, kind, revision, money(amount), 0, currency,
                    at(occurred_at))  # fmt: skip


def test_shopify_orders_are_one_sale_each_and_their_running_total_one_reversal() -> None:
    events, refused, skipped = sample("shopify-orders", "shopify_orders_export.csv")
    assert (refused, skipped) == ([], 0)
    assert events == [
        sale("shopify-orders:7410991400001:placed:77.75", "1001", person(101), "77.75", "2026-10-05T09:50:24+02:00",
             revision=since_2000("2026-10-05T07:50:24Z"), affiliate_id="ana", product_id="LAMP-1", campaign="ANA10",
             other_product_ids=("STOVE-2",)),
        reversal("shopify-orders:7410991400001:refunded:34.90", "1001", "refunded-total", "34.90",
                 "2026-10-05T07:50:24Z", 3490, customer_id=person(101)),
        sale("shopify-orders:7410991400002:placed:120.00", "1002", person(102), "120", "2026-10-05T21:59:57Z",
             revision=since_2000("2026-10-05T21:59:57Z"), product_id="ROPE-20"),
        sale("shopify-orders:7410991400003:voided:53.95", "1003", person(103), "53.95", "2026-10-06T06:00:00Z",
             action="REJECTED", revision=since_2000("2026-10-06T07:15:00Z"), product_id="TORCH-3"),
        sale("shopify-orders:7410991400004:placed:890.00", "1004", "order:1004", "890", "2026-10-07T08:00:00Z",
             revision=since_2000("2026-10-07T08:00:00Z"), affiliate_id="bo", product_id="BAG-4", currency="SEK"),
        reversal("shopify-orders:7410991400004:refunded:890.00", "1004", "refunded-total", "890",
                 "2026-10-07T08:00:00Z", 89000, customer_id="order:1004", currency="SEK"),
    ]  # fmt: skip


def test_the_order_id_of_a_shopify_export_may_be_that_of_its_webhooks() -> None:
    events, _, _ = sample("shopify-orders", "shopify_orders_export.csv", order="Id")
    assert [event.sale_id for event in events if isinstance(event, Sale)] == [f"741099140000{n}" for n in (1, 2, 3, 4)]


def test_a_shopify_webhook_of_an_order_is_a_sale() -> None:
    assert sample("shopify-webhook", "shopify_webhook_orders_create.json") == ([
        sale("shopify:7410991400001:order:2026-10-05T09:50:27+02:00", "7410991400001", person(101), "77.75",
             "2026-10-05T07:50:24Z", revision=since_2000("2026-10-05T07:50:27Z"), affiliate_id="ana", campaign="autumn",
             product_id="LAMP-1", other_product_ids=("STOVE-2",)),
    ], [], 0)  # fmt: skip


def test_a_shopify_webhook_of_a_refund_knows_no_customer() -> None:
    assert sample("shopify-webhook", "shopify_webhook_refunds_create.json") == ([
        reversal("shopify:7410991400001:refund:880001", "7410991400001", "880001", "34.90", "2026-10-12T09:00:00Z",
                 since_2000("2026-10-12T09:00:00Z")),
    ], [], 0)  # fmt: skip


def test_a_dispute_that_was_won_is_undone() -> None:
    assert sample("shopify-webhook", "shopify_dispute.json") == ([
        reversal("shopify:dispute:990001:won", "7410991400002", "990001", "120", "2026-10-20T16:00:00Z",
                 since_2000("2026-11-15T08:00:00Z"), kind="UNDONE"),
    ], [], 0)  # fmt: skip


def test_a_woocommerce_order_is_a_sale_and_its_refunds() -> None:
    changed = since_2000("2026-11-02T10:00:00Z")
    assert sample("woocommerce", "woocommerce_order.json", offering="PHYSICAL") == ([
        sale("woocommerce:5001:processing:2026-11-02T10:00:00", "5001", person(104), "54.80", "2026-10-25T00:30:00Z",
             revision=changed, affiliate_id="bo", product_id="MAP-1"),
        reversal("woocommerce:5001:refund:5010:2026-11-02T10:00:00", "5001", "5010", "24.95", "2026-11-02T10:00:00Z",
                 changed, customer_id=person(104)),
    ], [], 0)  # fmt: skip


def test_stripe_counts_the_refunds_and_not_their_total() -> None:
    events, refused, skipped = sample("stripe", "stripe_events.jsonl", offering="PHYSICAL")
    assert (refused, skipped) == ([], 1)  # the charge of a test

    def of(event_id: str, reversal_id: str, amount: str, created: int, told: int, kind: str = "REFUND") -> Reversal:
        return Reversal(event_id, "norte", None, "ch_5001", reversal_id, kind, told - 946_684_800, money(amount), 0,
                        "EUR", created * 1000)  # fmt: skip

    assert events == [
        sale("evt_01", "ch_5001", "cus_77", "54.80", "2026-10-25T00:30:03Z", revision=1792888204 - 946_684_800,
             affiliate_id="bo", product_id="charge"),
        of("evt_02:re_1", "re_1", "24.95", 1793147193, 1793147203),
        of("evt_03:re_2", "re_2", "24.95", 1793247193, 1793247203),
        of("evt_03:re_1", "re_1", "24.95", 1793147193, 1793247203),
        of("evt_04", "re_2", "24.95", 1793247193, 1793347203, "UNDONE"),
        of("evt_05", "dp_1", "29.85", 1793447193, 1793447203, "CHARGEBACK"),
        of("evt_06", "dp_1", "29.85", 1793447193, 1794888203, "UNDONE"),
    ]  # fmt: skip
    last: dict[str, Reversal] = {}
    for event in events:
        if isinstance(event, Reversal):
            last[event.reversal_id] = max(event, last.get(event.reversal_id, event), key=lambda one: one.revision)
    assert sum(one.amount for one in last.values() if one.kind == "REFUND") == money("24.95")
    assert sum(one.amount for one in last.values() if one.kind == "CHARGEBACK") == 0


def test_awin_says_who_sold_an_order() -> None:
    assert sample("awin", "awin_transactions.json") == ([
        Attribution("awin:700001:approved:3.03", "norte", None, "1001", since_2000("2026-11-04T00:00:00Z"), "901",
                    "lamps-post", money("3.03"), "EUR", at("2026-10-05T08:50:24+01:00")),
        Attribution("awin:700002:declined:0", "norte", None, "1004", since_2000("2026-10-30T00:00:00Z"), "902", None, 0,
                    "SEK", at("2026-10-07T09:00:00+01:00")),
    ], [], 0)  # fmt: skip


def test_the_zone_of_an_awin_account_is_said() -> None:
    events, _, _ = sample("awin", "awin_transactions.json", zone="Europe/Madrid")
    assert events[0].occurred_at == at("2026-10-05T08:50:24+02:00")


def test_an_awin_notification_without_an_order_is_refused_by_its_field() -> None:
    assert sample("awin", "awin_transaction_notification.txt") == ([], [(4, "sale_id")], 0)


@pytest.mark.parametrize(
    ("file", "event"),
    [
        ("dub_sale_created.json",
         Attribution("dub:attributed:evt_9a01", "norte", None, "1001", since_2000("2026-10-05T07:50:26Z"), "pn_ana",
                     "autumn", None, None, at("2026-10-05T07:50:26.104Z"))),
        ("dub_commission_created.json",
         Attribution("dub:commissioned:evt_9a02", "norte", None, "1001", since_2000("2026-10-05T07:50:26Z"), "pn_ana",
                     None, money("6.22"), "EUR", at("2026-10-05T07:50:26.500Z"))),
    ],
)  # fmt: skip
def test_dub_says_who_sold_an_order(file: str, event: Event) -> None:
    assert sample("dub", file) == ([event], [], 0)


def test_a_commission_of_dub_counts_more_than_the_sale_of_the_same_second() -> None:
    (sold,), _, _ = sample("dub", "dub_sale_created.json")
    (paid,), _, _ = sample("dub", "dub_commission_created.json")
    assert isinstance(sold, Attribution)
    assert isinstance(paid, Attribution)
    assert (paid.revision, paid.event_id) > (sold.revision, sold.event_id)


def test_a_lead_of_dub_is_nothing() -> None:
    assert sample("dub", "dub_lead_created.json") == ([], [], 1)


def test_segment_takes_the_affiliate_and_not_the_affiliation() -> None:
    assert sample("segment", "segment_track.jsonl", offering="PHYSICAL") == ([
        sale("m-1", "1001", "660001", "77.75", "2026-10-05T07:50:24Z", revision=since_2000("2026-10-05T07:50:24Z"),
             affiliate_id="ana", product_id="LAMP-1", campaign="autumn", other_product_ids=("STOVE-2",)),
        reversal("m-2", "1001", "m-2", "34.90", "2026-10-12T09:00:00Z", since_2000("2026-10-12T09:00:00Z"),
                 customer_id="660001"),
        sale("m-4", "1003", "anon-7", "53.95", "2026-10-06T07:15:00Z", action="REJECTED",
             revision=since_2000("2026-10-06T07:15:00Z"), product_id="unknown"),
    ], [(3, "amount")], 0)  # fmt: skip


def test_an_answer_of_delighted_is_edited_by_its_update() -> None:
    events, refused, skipped = sample("delighted", "delighted_webhooks.jsonl")
    assert (refused, skipped) == ([], 1)  # somebody who wants no more mail

    def answer(event_id: str, updated: int, score: int, comment: str | None, *findings: Finding) -> Feedback:
        return Feedback(event_id, "norte", person(101), "5435", "ANSWERED", updated - 946_684_800, "1001", "ana", "NPS",
                        score, findings, comment, "es", 1791914844_000)  # fmt: skip

    assert events == [
        answer("d-ev-1", 1791914844, 6, None),
        answer("d-ev-2", 1791915444, 4, "Nadie me dijo que era de cristal",
               Finding("MISSING_INFORMATION", "information"),
               Finding("NEEDS_IMPROVEMENT", "delivery")),
    ]  # fmt: skip


def test_an_answer_of_typeform_has_further_scores_and_findings() -> None:
    assert sample("typeform", "typeform_form_response.json") == ([
        Feedback("01TF", "norte", None, "tok-1", "ANSWERED", since_2000("2026-10-13T18:17:02Z"), "1001", "ana",
                 "NPS", 4,
                 (Finding("MISSING_INFORMATION", "material"), Finding("MISSING_INFORMATION", "fees")), "Glass, really?",
                 None, at("2026-10-13T18:17:02Z"), scores=(Score("CSAT", 2),)),
    ], [], 0)  # fmt: skip


def test_the_refs_and_scales_of_a_form_are_said() -> None:
    (event,), _, _ = sample("typeform", "typeform_form_response.json", nps="csat", csat="nps", nps_lowest="1")
    assert isinstance(event, Feedback)
    assert (event.score, event.scores) == (1, (Score("CSAT", 4),))  # 2 of 1 to 10 is 1.1 of 0 to 10


def test_reviews_of_judgeme_are_of_their_customers_and_spam_is_left_out() -> None:
    events, refused, skipped = sample("judgeme", "judgeme_reviews.csv")
    assert (refused, skipped) == ([], 1)

    def review(number: int, product: str, score: int, comment: str, occurred_at: str, event: Event) -> Feedback:
        return Feedback(event.event_id, "norte", person(number), f"judgeme:{product}:{person(number)}", "ANSWERED",
                        since_2000(occurred_at), None, None, "CSAT", score, (), comment, None, at(occurred_at))  # fmt: skip

    broken = 'Bright, but arrived broken\nThe glass was in pieces. The "fragile" label was missing.'
    assert events == [
        review(101, "901", 2, broken, "2026-10-12T12:00:00Z", events[0]),
        review(102, "903", 5, "Buena cuerda", "2026-10-15T08:12:00Z", events[1]),
    ]
    assert all(re.fullmatch("[0-9a-f]{40}", event.event_id) for event in events)


def test_a_column_may_be_named_on_the_command_line() -> None:
    events, _, _ = sample("judgeme", "judgeme_reviews.csv", product_id="@product_id")
    assert [event.product_id for event in events if isinstance(event, Feedback)] == ["901", "903"]


def test_cloudevents_are_our_own_events() -> None:
    assert sample("cloudevents", "cloudevents_batch.json") == ([
        sale("evt-1", "1001", "660001", "77.75", "2026-10-05T07:50:24Z", affiliate_id="ana", product_id="LAMP-1",
             commission=money("6.22"), campaign="lamps-post"),
        Feedback("evt-2", "norte", "660001", "tok-1", "ANSWERED", 0, "1001", None, "NPS", 4,
                 (Finding("MISSING_INFORMATION", "material"),), "Glass, really?", "en", at("2026-10-13T18:17:02Z")),
    ], [], 0)  # fmt: skip


def test_flat_files_are_told_column_by_column() -> None:
    events, refused, skipped = sample(
        "csv", "es_semicolon_decimal_comma.csv", delimiter=";", decimal=",", thousands=".", pattern="%d/%m/%Y %H:%M",
        zone="Europe/Madrid", offering="PHYSICAL", sale_id="@Pedido", amount="@Importe", commission="@Comisión",
        currency="@Moneda", occurred_at="@Fecha", affiliate_id="@Afiliado", customer_id="@Cliente",
        product_id="@Artículo",
    )  # fmt: skip
    assert (refused, skipped) == ([(3, "amount"), (5, "customer_id")], 0)
    assert events == [
        sale(events[0].event_id, "1001", person(101), "1077.75", "2026-10-05T07:50:00Z", affiliate_id="ana",
             product_id="LAMP-1", commission=money("86.22")),
        sale(events[1].event_id, "1003", person(103), "53.95", "2026-10-06T07:15:00Z", product_id="TORCH-3"),
    ]  # fmt: skip


SAMPLE_OF = {
    "awin": "awin_", "cloudevents": "cloudevents_", "csv": "es_", "delighted": "delighted_", "dub": "dub_",
    "judgeme": "judgeme_", "segment": "segment_", "shopify-orders": "shopify_orders_", "stripe": "stripe_",
    "shopify-webhook": "shopify_webhook_ shopify_dispute", "typeform": "typeform_", "woocommerce": "woocommerce_",
}  # fmt: skip


def test_every_shape_has_samples_and_every_sample_a_shape() -> None:
    assert sorted(SAMPLE_OF) == sorted(SHIPPED)
    files = {path.name for path in SAMPLES.iterdir()}
    assert len(files) == 17
    assert files == {name for name in files for began in SAMPLE_OF.values() if name.startswith(tuple(began.split()))}


@pytest.mark.parametrize("file", sorted(path.name for path in SAMPLES.iterdir()))
def test_no_address_of_a_sample_is_in_what_is_made_of_it(file: str) -> None:
    """Nor in a refusal, also where the mapping is not for the file at all."""
    addresses = set(re.findall(r"[\w.]+@example\.com", (SAMPLES / file).read_text()))

    for name in SHIPPED:
        said = {"offering": "PHYSICAL"} if name in ("woocommerce", "stripe", "segment") else {}
        if name == "csv":
            said = {"customer_id": "@reviewer_email", "feedback_id": "@reviewer_email", "occurred_at": "@review_date"}
        found = repr(list(followed(shape_from(shipped(name), brand_id="norte", **said), (SAMPLES / file).read_bytes())))
        assert not [address for address in addresses if address in found], name
