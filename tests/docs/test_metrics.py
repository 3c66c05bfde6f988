"""docs/reference/metrics.md lists every metric, docs/alerts.md every alert, and no alert asks for what nobody serves."""

import re
from typing import Final

import yaml

from streams.monitoring.catalogue import MONITORED, OF_A_WORKER
from tests.support.places import ROOT

ALL: Final = (*MONITORED, *OF_A_WORKER)
ALERTS: Final = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
CASES: Final = (ROOT / "tests" / "alerts" / "cases.yml").read_text()


def rows() -> list[str]:
    """The table as it must stand in the document."""
    return [
        f"| `{metric.name}` | {metric.kind} | {', '.join(metric.labels)} | {metric.meaning} | {metric.turn} |"
        for metric in ALL
    ]


def test_the_document_lists_every_metric_and_nothing_else() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    assert [line for line in page.splitlines() if re.match(r"\| `\w+_\w+` \|", line)] == rows()


def test_names_are_as_prometheus_wants_them() -> None:
    for metric in ALL:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", metric.name)
        assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert len({metric.name for metric in ALL}) == len(ALL)


def test_every_alert_is_explained_says_where_and_has_a_case_that_fires() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    assert re.findall(r"^## (Posventa\w+)$", page, re.MULTILINE) == [alert["alert"] for alert in ALERTS]
    for alert in ALERTS:
        assert alert["annotations"]["runbook"] == f"docs/alerts.md#{alert['alert'].lower()}"
        assert re.search(rf"alertname: {alert['alert']}\n +exp_alerts:\n +- exp_labels", CASES), alert["alert"]


def test_an_alert_asks_for_nothing_that_is_not_served() -> None:
    served = {metric.name: metric for metric in ALL}
    for alert in ALERTS:
        names = re.findall(r"\b(?:posventa|kafka)_\w+", alert["expr"])
        assert names
        for name in names:
            assert name in served, alert["expr"]
        for label in re.findall(r"[{,]\s*(\w+)\s*[=!]", alert["expr"]):
            assert label in {each for name in names for each in served[name].labels}, alert["expr"]
