"""docs/shapes.md lists the shapes that there are, and its mapping does with its file what the page says."""

import re
from typing import Final

from streams.shapes.catalogue import SHIPPED
from tests.pure.shapes.test_shipped import at, person, reversal, sale, since_2000
from tests.support.places import ROOT
from tests.support.shaped import SAMPLES, result, shape_from

PAGE: Final = (ROOT / "docs" / "shapes.md").read_text(encoding="utf-8")
MAPPING: Final = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
FILE: Final = re.findall(r"```\n(Pedido.*?)```", PAGE, re.DOTALL)[0]


def test_the_table_lists_every_shape_and_no_other() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE) == list(SHIPPED)


def test_the_mapping_is_as_long_as_the_page_says_and_no_longer_than_promised() -> None:
    lines = len(MAPPING.splitlines())
    assert f"and {lines} lines" in PAGE
    assert lines <= 40


def test_the_file_of_the_page_is_the_sample() -> None:
    assert (SAMPLES / "es_semicolon_decimal_comma.csv").read_bytes().decode("utf-8-sig").replace("\r\n", "\n") == FILE


def test_the_mapping_does_what_the_page_says() -> None:
    data = (SAMPLES / "es_semicolon_decimal_comma.csv").read_bytes()
    expected = [
        sale("tienda:1001:sale", "1001", person(101), "1077.75", "2026-10-05T07:50:00Z", commission=862_200,
             revision=since_2000("2026-10-05T07:50:00Z"), affiliate_id="ana", product_id="LAMP-1"),
        reversal("tienda:1001:refund:12/10/2026 11:00", "1001", "12/10/2026 11:00", "34.90", "2026-10-12T09:00:00Z",
                 0)._replace(commission=28_000),
        sale("tienda:1003:void", "1003", person(103), "53.95", "2026-10-06T07:15:00Z", action="REJECTED",
             revision=since_2000("2026-10-06T07:15:00Z"), product_id="TORCH-3"),
    ]  # fmt: skip
    assert result(shape_from(MAPPING, brand_id="norte"), data) == (expected, [(5, "what")], 0)
    held = MAPPING.replace('Devuelto = "refund"', 'Devuelto = "refund", Retenido = "skip"')
    assert held != MAPPING
    assert result(shape_from(held, brand_id="norte"), data) == (expected, [], 1)
    assert at("2026-10-05T07:50:00Z") == 1_791_186_600_000


def test_the_header_may_have_the_other_names_that_the_mapping_gives() -> None:
    data = (SAMPLES / "es_semicolon_decimal_comma.csv").read_bytes().replace(b"Pedido", "Nº pedido".encode())
    events, _, _ = result(shape_from(MAPPING, brand_id="norte"), data)
    assert [event.sale_id for event in events] == ["1001", "1001", "1003"]
