"""A mapping is checked as a whole: every fault is told with its line, and nothing of the file is read before."""

import pytest

from streams.errors import Misuse
from streams.shapes.catalogue import SHIPPED, shipped
from streams.shapes.mapping import read_mapping
from streams.shapes.places import line_of
from tests.support.shaped import shape_from

GOOD = """about = "a shop"
format = "csv"

[[sales]]
sale_id = "Order"
customer_id = "Customer"
action = { value = "PLACED" }
product_id = "Product"
offering = { value = "PHYSICAL" }
amount = "Total"
currency = { value = "EUR" }
occurred_at = "Date"
"""


def faults(text: str) -> list[str]:
    with pytest.raises(Misuse) as refused:
        read_mapping(text, "m.toml", {})
    return str(refused.value).splitlines()


def test_a_good_mapping_has_no_fault() -> None:
    assert shape_from(GOOD, brand_id="acme").kinds == {"sales"}


@pytest.mark.parametrize(
    ("found", "wrong", "line", "why"),
    [
        ('format = "csv"', 'format = "cvs"', 2, "format"),
        ('format = "csv"', 'format = "csv"\ncsv.delimeter = ";"', 3, "csv.delimeter: there is no such key"),
        ('"Order"', '"Order["', 5, "no JMESPath expression"),
        ('"Order"', '"sum(Order)"', 5, "sum() makes floats"),
        ('"Order"', '"trim(Order)"', 5, "trim() is no function of JMESPath"),
        ('"Order"', '"Order == `1.5`"', 5, "float"),
        ('"Order"', "{ }", 5, "say one of from, template, value"),
        ('"Order"', '{ from = "Order", value = "x" }', 5, "say one of"),
        ('"Order"', '{ template = "x" }', 5, "no {expression}"),
        ('"Order"', '{ template = "{Order" }', 5, "brace"),
        ('"Order"', '{ from = "Order", find = "(" }', 5, "regular expression"),
        ('"Order"', '{ from = "Order", find = "x" }', 5, "0 groups"),
        ('"Order"', '{ from = "Order", zone = "UTC" }', 5, "sales.0.sale_id.0.zone: there is no such key"),
        ('"Order"', '"${Order}"', 5, "sales.0.sale_id"),
        ('"Order"', '"${order}"', 5, "${order} is no variable"),
        ('"Order"', "true", 5, "sale_id"),
        ('"Order"', "[]", 5, "sale_id"),
        ('"Total"', '{ from = "Total", decimal = ";" }', 10, "amount.0.decimal"),
        ('"Total"', '{ from = "Total", digits = { JPY = 9 } }', 10, "digits.JPY"),
        ('"Date"', '{ from = "Date", zone = "Mars/One" }', 12, "no time zone"),
        ('"Date"', '{ from = "Date", pattern = "%d", unit = "s" }', 12, "not both"),
        ('"Date"', '{ from = "Date", day_at = "25:00" }', 12, "12:00"),
        ('occurred_at = "Date"', 'occured_at = "Date"', 12, "occured_at: there is no such key"),
        ('"Date"', '[\n  "Date",\n  { from = "Date", unit = "h" },\n]', 14, "unit"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(found: str, wrong: str, line: int, why: str) -> None:
    assert GOOD.count(found) == 1
    (told,) = faults(GOOD.replace(found, wrong))
    assert told.startswith(f"m.toml: line {line}: ")
    assert why in told


def test_all_faults_are_told_at_once_in_their_order() -> None:
    text = GOOD.replace('"Order"', '"Order["').replace('"Total"', '{ from = "Total", sign = "abs" }')
    assert [told.split(":")[1] for told in faults(text)] == [" line 5", " line 10"]


def test_many_faults_are_cut() -> None:
    told = faults(GOOD + "".join(f"x{number} = 1\n" for number in range(50)))
    assert len(told) == 21
    assert told[-1] == "m.toml: and 30 more"


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert faults(GOOD + "x = = 1\n")[0].startswith("m.toml: line 13: no TOML")


@pytest.mark.parametrize("text", ["#" * 70_000, "\n" * 2_000])
def test_a_file_that_is_too_long_is_not_read(text: str) -> None:
    assert "is it a mapping?" in faults(text)[0]


def test_what_a_mapping_does_not_say_is_asked_for() -> None:
    with pytest.raises(Misuse, match="nothing says brand_id: say --set brand_id=VALUE"):
        shape_from(GOOD)
    with pytest.raises(Misuse, match="--set colour: no field and no variable"):
        shape_from(GOOD, brand_id="acme", colour="red")


def test_a_variable_without_a_default_must_be_said() -> None:
    text = (
        GOOD.replace('"Date"', '{ from = "Date", zone = "${zone}" }')
        + '[variables.zone]\nabout = "where the shop is"\n'
    )
    with pytest.raises(Misuse, match="say --set zone=…: where the shop is"):
        read_mapping(text, "m.toml", {})
    read_mapping(text, "m.toml", {"zone": "UTC"})
    with pytest.raises(Misuse, match=r"line 12: .*no time zone"):
        read_mapping(text, "m.toml", {"zone": "Nowhere"})


@pytest.mark.parametrize("value", ["x' || 'y", "x'", "'x", "`1`", 'a"b', "{x}", "a\\b", "a\nb"])
def test_a_variable_ends_no_expression(value: str) -> None:
    text = GOOD.replace('"Order"', "\"Orders[?a == '${x}']\"") + '[variables.x]\nabout = "x"\n'
    with pytest.raises(Misuse, match=r"line 13: .*quotes"):
        read_mapping(text, "m.toml", {"x": value})


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mapping_has_no_fault(name: str) -> None:
    assert read_mapping(shipped(name), name, {}).about


def test_a_line_is_found_below_tables_arrays_and_texts_of_many_lines() -> None:
    text = 'a = """\nb = 1\n"""\n\n[[t]]\nb = 2\n\n[[t]]\n# c\nc = [\n  1,\n  2,\n]\nb.d = 3\n'
    assert line_of(text, ("a",)) == 1
    assert line_of(text, ("t", 0, "b")) == 6
    assert line_of(text, ("t", 1, "c")) == 10
    assert line_of(text, ("t", 1, "b", "d")) == 14
    assert line_of(text, ("t", 1, "missing")) == 8
