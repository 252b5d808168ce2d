"""The rules of `deploy/prometheus` as the Prometheus Operator takes them, made by `written`."""

from __future__ import annotations

from typing import Any

import yaml

from tests.support.serving import ROOT

RULES = ROOT / "deploy/prometheus"
PAGE = ROOT / "deploy/kubernetes/components/monitoring/prometheusrule.yaml"
HEAD = "# Made from deploy/prometheus: make docs.\n"


def groups() -> list[dict[str, Any]]:
    """Return the groups of the rules: first what is recorded, then the alerts."""
    files = ("recording.yml", "alerts.yml")
    texts = [(RULES / name).read_text() for name in files]
    return [group for text in texts for group in yaml.safe_load(text)["groups"]]


def render() -> str:
    """Return the manifest as it should be."""
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "locker", "labels": {"app.kubernetes.io/name": "locker"}},
        "spec": {"groups": groups()},
    }
    return HEAD + yaml.safe_dump(manifest, sort_keys=False, width=100)
