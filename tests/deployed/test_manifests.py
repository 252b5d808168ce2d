"""The manifests for Kubernetes, as Kustomize renders them: strictly valid, and wise."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.deployed.conftest import ROOT

pytestmark = pytest.mark.timeout(300)

MANIFESTS = ROOT / "deploy/kubernetes"
OVERLAYS = sorted(path.name for path in (MANIFESTS / "overlays").iterdir())
PROGRAMS = Path(sys.prefix)
OLDEST = (1, 31)
SCHEMAS = Path(__file__).parent / "schemas"
OPERATOR = "monitoring.coreos.com/v1"
"""The kinds of Prometheus' operator, which kubernetes-validate doesn't know."""

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def program(environment: str, name: str) -> str:
    path = PROGRAMS / environment / "bin" / name
    if not path.exists():
        pytest.skip(f"{name} is not installed; run: make test-deploy")
    return str(path)


@cache
def versions() -> list[str]:
    """Return the versions of Kubernetes from the oldest that is meant to the newest known."""
    program("kubernetes", "kubernetes-validate")
    known = PROGRAMS.glob("kubernetes/lib/*/site-packages/kubernetes_validate/*-schema/v*.*.*-*")
    numbers = {
        tuple(map(int, re.findall(r"\d+", path.name)[:3])) for path in known if path.is_dir()
    }
    return [".".join(map(str, each)) for each in sorted(numbers) if each >= OLDEST]


Render = Callable[[str], str]


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render an overlay, with secrets in place."""
    if shutil.which("kustomize"):
        command = ["kustomize", "build"]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize"]
    else:
        pytest.skip("neither kustomize nor kubectl is installed")
    copy = tmp_path_factory.mktemp("manifests") / "kubernetes"
    shutil.copytree(MANIFESTS, copy)
    for overlay in OVERLAYS:
        text = (copy / "overlays" / overlay / "kustomization.yaml").read_text()
        for name in re.findall(r"=(secrets/\w+(?:\.\w+)?)", text):
            (copy / "overlays" / overlay / name).write_text("secret")

    @cache
    def render(overlay: str) -> str:
        path = str(copy / "overlays" / overlay)
        return subprocess.run([*command, path], capture_output=True, text=True, check=True).stdout

    return render


def validate(text: str, folder: Path, version: str) -> list[str]:
    """Return what is wrong with these documents for that version of Kubernetes."""
    documents = list(yaml.safe_load_all(text))
    plain = [each for each in documents if each["apiVersion"] != OPERATOR]
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(plain))
    command = (program("kubernetes", "kubernetes-validate"), "--strict", "-k", version, str(file))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).splitlines()
    # It goes on with 0 where it has no schema for a kind.
    wrong = [line for line in said if not line.startswith("INFO")]
    assert bool(done.returncode) <= bool(wrong)
    assert wrong or len(said) == len(plain)
    return wrong + [
        f"{document['kind']}: {error.instance_path} {error.message}"
        for document in documents
        if document["apiVersion"] == OPERATOR
        for error in operator_schema(document["kind"]).iter_errors(document)
    ]


def operator_schema(kind: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads((SCHEMAS / f"{kind.lower()}.json").read_text())
    )


@each_overlay
def test_valid(overlay: str, render: Render, tmp_path: Path) -> None:
    """Each overlay is valid, with no field too many, for each Kubernetes that is meant."""
    assert len(versions()) >= 7
    for version in versions():
        assert validate(render(overlay), tmp_path, version) == [], version


def fields(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each field that holds others, or a list of them."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from fields(value, (*path, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from fields(value, (*path, number))


FREE = {"annotations", "labels", "matchLabels", "data", "requests", "limits"}
"""What has any keys."""


def test_misspelt_fields(render: Render, tmp_path: Path) -> None:
    """A field that there isn't is told, in every kind and wherever in it it stands."""
    documents = list(yaml.safe_load_all(render("pgbouncer")))
    tried = set()
    wrong = []
    for document in documents:
        for path in fields(document):
            if FREE & set(path) or path == ("metadata",):
                continue
            copy = json.loads(json.dumps(document))
            place = copy
            for step in path:
                place = place[step]
            place["replicsa"] = 3
            # Once for each place: all containers are alike.
            sort = (document["kind"], *(step for step in path if isinstance(step, str)))
            if sort in tried:
                continue
            tried.add(sort)
            wrong.append((sort, copy))
    assert len(wrong) > 60
    assert {sort[0] for sort, _ in wrong} >= {"Deployment", "ServiceMonitor", "PrometheusRule"}
    for number, (_, document) in enumerate(wrong):
        document["metadata"]["name"] = f"misspelt-{number}"
    said = validate(yaml.safe_dump_all(document for _, document in wrong), tmp_path, versions()[-1])
    told = [sort for sort, document in wrong if document["apiVersion"] == OPERATOR]
    plain = [line for line in said if "misspelt-" in line]
    assert len([line for line in said if line not in plain]) >= len(told)
    assert {re.findall(r"misspelt-\d+", line)[0] for line in plain} == {
        document["metadata"]["name"] for _, document in wrong if document["apiVersion"] != OPERATOR
    }


def test_misspelt_value(render: Render, tmp_path: Path) -> None:
    """A value of the wrong kind is told as well: a port that is a text, a number in quotes."""
    for right, bad in (
        ("containerPort: 8000", "containerPort: x"),
        ("minReplicas: 3", "minReplicas: '3'"),
    ):
        text = render("production")
        assert right in text
        assert validate(text.replace(right, bad), tmp_path, versions()[0])


@each_overlay
def test_wise(overlay: str, render: Render, tmp_path: Path) -> None:
    """Checkov finds nothing in the manifests but what is explained where it is."""
    (tmp_path / "manifests.yaml").write_text(render(overlay))
    checkov(tmp_path, "kubernetes")
    for document in yaml.safe_load_all(render(overlay)):
        for name, text in document["metadata"].get("annotations", {}).items():
            if name.startswith("checkov.io/skip"):
                assert re.fullmatch(r"CKV_K8S_\d+=.{20,}", text), text


def test_wise_dockerfile(tmp_path: Path) -> None:
    """Checkov finds nothing in the Dockerfile but what is explained where it is."""
    shutil.copy(ROOT / "Dockerfile", tmp_path)
    checkov(tmp_path, "dockerfile")


def checkov(folder: Path, framework: str) -> None:
    command = (program("checkov", "checkov"), "--framework", framework, "--directory", str(folder))
    done = subprocess.run(
        [*command, "--skip-download", "--compact", "--quiet", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    assert found["summary"]["passed"] > 50
    assert [
        (each["check_id"], each["check_name"], each["resource"])
        for each in found["results"]["failed_checks"]
    ] == []
