"""Compares what ClickHouse shows with what the oracle expects, key by key."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import clickhouse_connect

from schemas.events import Event
from schemas.measures import MEASURES, TOPIC_MEASURES
from streams.recount.numbers import Rules
from tests.support.oracle import oracle

_REVERSAL = "kind status affiliate_id campaign amount commission currency".split()
_JOURNEY = (
    "customer_id affiliate_id product_id offering campaign status amount commission currency is_new_customer "
    "referred_by refunded charged_back answers last_metric last_score verdicts feedback_delay_seconds subscription_id "
    "is_renewal refunds chargebacks commission_reversed mismatched_amounts last_nps last_csat last_ces"
).split()


def shown_panes(url: str) -> dict[tuple[str, str, str, int], dict[str, Decimal | int]]:
    """The view affiliate_series."""
    rows = _query(
        url,
        f"SELECT brand_id, affiliate_id, currency, toUnixTimestamp(bucket), {', '.join(MEASURES)} FROM affiliate_series",
    )
    return {(r[0], r[1], r[2], r[3]): dict(zip(MEASURES, r[4:], strict=True)) for r in rows}


def shown_topics(url: str) -> dict[tuple[str, str, str, str, int], dict[str, int]]:
    """The base table of topics, merged: its view has windows only."""
    rows = _query(
        url,
        "SELECT brand_id, affiliate_id, topic, verdict, toUnixTimestamp(bucket), "
        f"{', '.join(f'sum({name})' for name in TOPIC_MEASURES)} FROM topic_panes FINAL "
        "WHERE generation = (SELECT greatest(1, max(g.generation)) FROM generations AS g) "
        "GROUP BY ALL HAVING sum(answers) != 0",
    )
    return {tuple(r[:5]): dict(zip(TOPIC_MEASURES, r[5:], strict=True)) for r in rows}


def shown_journeys(url: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The view journey."""
    rows = _query(url, f"SELECT brand_id, sale_id, {', '.join(_JOURNEY)} FROM journey")
    return {(r[0], r[1]): dict(zip(_JOURNEY, r[2:], strict=True)) for r in rows}


def shown_reversals(url: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The view reversal."""
    rows = _query(url, f"SELECT brand_id, sale_id, reversal_id, {', '.join(_REVERSAL)} FROM reversal")
    return {(r[0], r[1], r[2]): dict(zip(_REVERSAL, r[3:], strict=True)) for r in rows}


def differences(url: str, events: list[Event], rules: Rules) -> list[str]:
    """What differs between ClickHouse and the oracle; empty when nothing does."""
    expected = oracle(events, rules)
    journeys = {key: {name: row[name] for name in _JOURNEY} for key, row in expected.journeys.items()}
    reversals = {key: {name: row[name] for name in _REVERSAL} for key, row in expected.reversals.items()}
    return [
        *_compare("pane", shown_panes(url), expected.panes),
        *_compare("topic", shown_topics(url), expected.topics),
        *_compare("journey", shown_journeys(url), journeys),
        *_compare("reversal", shown_reversals(url), reversals),
    ]


def _compare(what: str, shown: Mapping[Any, Any], expected: Mapping[Any, Any]) -> list[str]:
    return [
        f"{what} {key}: ClickHouse {shown.get(key)}, oracle {expected.get(key)}"
        for key in sorted(shown.keys() | expected.keys(), key=repr)
        if shown.get(key) != expected.get(key)
    ]


def _query(url: str, sql: str) -> list[Any]:
    client = clickhouse_connect.get_client(dsn=url, database="posventa")
    try:
        return list(client.query(sql).result_rows)
    finally:
        client.close()
