"""The overview page: everything escaped, both languages complete."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from streams.embedded.page import overview
from streams.embedded.web import application
from streams.settings import Settings
from streams.words import LANGUAGES

FRESH: dict[str, Any] = {
    "topic": "", "partition": -1, "complete_up_to": datetime(2026, 1, 2, tzinfo=UTC), "lag_records": 0,
    "lag_seconds": 0.4, "status": "ok",
}  # fmt: skip
REPORT: dict[str, Any] = {
    "brand_id": "<script>alert(1)</script>", "affiliate_id": "", "window": "7d", "currency": "EUR", "sales": 3,
    "net": Decimal("1234.5000"), "new_customers": 2, "repeat_sales": 1, "nps": None, "csat": 0.75, "refund_rate": 0.0,
    "evidence": "thin",
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_of_the_data_becomes_markup(lang: str) -> None:
    page = overview(lang, {"Kafka": "<b>"}, [FRESH], [REPORT])
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;" in page
    assert "1,234.50" in page
    assert "75%" in page


def test_an_id_cannot_turn_the_line_round() -> None:
    page = overview("en", {}, [FRESH], [REPORT | {"brand_id": "mar\u202eca"}])
    assert "\u202e" not in page
    assert "mar\\u202eca" in page


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("fresh", [None, []])
def test_the_page_says_so_when_there_is_nothing(lang: str, fresh: list[Any] | None) -> None:
    assert "<p" in overview(lang, {}, fresh, [])


async def _statuses(*requests: tuple[str, str]) -> list[int]:
    settings = Settings().model_copy(update={"clickhouse": SecretStr("http://127.0.0.1:9")})  # nothing listens there
    async with TestClient(TestServer(application(settings))) as client:
        return [(await client.get(path, headers={"Host": host})).status for path, host in requests]


def test_without_clickhouse_the_page_and_health_are_unavailable_not_broken() -> None:
    requests = [
        ("/", "127.0.0.1"),
        ("/health", "localhost"),
        ("/style.css", "localhost:1"),
        ("/", "elsewhere.example"),
        ("/", "[::1"),
    ]
    assert asyncio.run(_statuses(*requests)) == [503, 503, 200, 421, 421]
