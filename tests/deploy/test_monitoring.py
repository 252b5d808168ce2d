"""Rules, alerts and the dashboard: of metrics that there are, and alerts that fire."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.conventions.metrics_table import exposed
from tests.conventions.prometheus_rule import RULES, groups
from tests.support.serving import ROOT

DASHBOARD = ROOT / "deploy/grafana/locker.json"
SERIES = re.compile(r"(?<![\w:])(locker_\w+|(?:job|route|status):[\w:]+)(?:\{([^}]*)\})?")
ALWAYS = {"job", "instance", "le"}
"""Labels that Prometheus gives, and histograms."""


def rules(kind: str) -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"] if kind in rule]


def panels() -> list[dict[str, Any]]:
    return [each for each in json.loads(DASHBOARD.read_text())["panels"] if each["type"] != "row"]


def expressions() -> dict[str, str]:
    """Return everything that is asked of Prometheus, by what asks."""
    asked = {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules("expr")}
    for panel in panels():
        for target in panel["targets"]:
            asked[f"{panel['title']} {target['refId']}"] = target["expr"]
    return asked


def known() -> dict[str, set[str]]:
    """Return the names of all series, with the labels that they have."""
    series = {name: set(each.labels) for each in exposed() for name in each.series}
    recorded = {
        rule["record"]: set(re.search(r"by \(([^)]*)\)", rule["expr"])[1].split(", "))  # type: ignore[index]
        for rule in rules("record")
    }
    return series | recorded


def test_each_metric_is_there() -> None:
    """Rules and dashboard ask for metrics, by labels, that the service has or a rule records."""
    series = known()
    for what, expression in expressions().items():
        found = SERIES.findall(expression)
        assert found or "process_" in expression or "up{" in expression, what
        for name, selector in found:
            assert name in series, what
            labels = set(re.findall(r"(\w+)\s*[=!]~?", selector))
            assert labels <= series[name] | ALWAYS, what
        for by in re.findall(r"by \(([^)]*)\)", expression):
            assert set(by.split(", ")) <= ALWAYS.union(*(series[name] for name, _ in found)), what


def test_each_metric_is_shown() -> None:
    """Each metric of ours is on the dashboard, by itself or by a rule that records it."""
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    for rule in rules("record"):
        if rule["record"] in shown:
            shown += f" {rule['expr']}"
    missing = [each.name for each in exposed() if not any(name in shown for name in each.series)]
    assert missing == []


def test_alerts_are_documented() -> None:
    """Each alert says how urgent it is and what is the matter, and the docs what to do."""
    page = (ROOT / "docs/operations.md").read_text()
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert f"| `{rule['alert']}` |" in page


def test_each_alert_is_made_to_fire() -> None:
    """For each alert there is a case in which it fires, and one in which it doesn't."""
    cases = yaml.safe_load((RULES / "tests.yml").read_text())["tests"]
    checks = [check for case in cases for check in case["alert_rule_test"]]
    names = {rule["alert"] for rule in rules("alert")}
    assert {check["alertname"] for check in checks if check["exp_alerts"]} == names
    assert {check["alertname"] for check in checks if not check["exp_alerts"]} == names


def test_rules() -> None:
    """Prometheus takes the rules, and they do as `tests.yml` says."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    for command in (
        ["check", "rules", "recording.yml", "alerts.yml"],
        ["test", "rules", "tests.yml"],
    ):
        done = subprocess.run(
            [promtool, *command], cwd=RULES, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard() -> None:
    """It is for any Prometheus, its panels have ids of their own, and none lies on another."""
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}
