"""The files under deploy/: read by what reads them, and in step with the service."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from service import create_app
from service.cli import main
from service.settings import Settings, misspelt
from tests.support.certificates import make_certificate
from tests.support.serving import ROOT

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = {".service", ".socket", ".timer", ".target"}


def of(*suffixes: str) -> pytest.MarkDecorator:
    """Have a test tried on each file of the kind, by its path."""
    paths = [path for path in FILES if path.suffix in suffixes]
    return pytest.mark.parametrize(
        "path", paths, ids=lambda path: str(path.relative_to(DEPLOY)) if path else "none"
    )


def leaves(node: Any) -> Iterator[Any]:
    """Yield everything in a document that has nothing below it, and the keys."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from leaves(value)
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value)
    else:
        yield node


@of(".yaml", ".yml")
def test_yaml(path: Path) -> None:
    """Each file for deployment is YAML, and each of its documents a mapping."""
    documents = list(yaml.safe_load_all(path.read_text()))
    assert documents
    assert all(isinstance(document, dict) for document in documents)


@of(".sh")
def test_scripts(path: Path) -> None:
    """Each is a program that its shell can read, and that stops at the first failure."""
    shell = path.read_text().splitlines()[0].removeprefix("#!").split("/")[-1].split()[-1]
    assert path.stat().st_mode & 0o111
    assert re.search(r"^set -eu", path.read_text(), re.MULTILINE)
    subprocess.run([shell, "-n", str(path)], check=True)


@of(*UNITS)
def test_units(path: Path) -> None:
    """Each unit of systemd can be read, and says what it is."""
    unit = configparser.RawConfigParser(strict=False, allow_no_value=True)
    unit.read(path)
    assert unit["Unit"]["Description"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_settings_exist(path: Path) -> None:
    """Every setting that a file for deployment names is one."""
    named = set(re.findall(r"\bLOCKER_[A-Z0-9_]+\b", path.read_text()))
    assert misspelt(dict.fromkeys(named, "")) == {}


def commands(text: str) -> Iterator[list[str]]:
    """Yield what follows `locker` where a file starts it: as a list of YAML, or as a line."""
    for listed in re.findall(r"\[locker, ([^\]]+)\]", text):
        yield [word.strip(' "') for word in listed.split(",")]
    for line in re.findall(r"(?:bin/|exec |\$\()locker ([a-z][^)\n;]*)", text):
        yield line.split()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_commands_exist(path: Path) -> None:
    """Every command that a file for deployment starts is one of `locker`'s."""
    for words in commands(path.read_text()):
        command: click.Command = main
        for word in words:
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, words
            command = command.commands[word]


def test_commands_are_found() -> None:
    """What looks for commands finds them in the compose file, which starts some in each way."""
    found = {words[0] for words in commands((DEPLOY / "compose/compose.yaml").read_text())}
    assert found == {"catalogue", "migrate", "purge", "worker"}


def test_probed_paths_exist(settings: Settings) -> None:
    """Every path that a probe or a scrape asks for is a route."""
    probed = {
        path
        for file in FILES
        for path in re.findall(r"(?:httpGet:\s+path:|uri|metrics\s+path:) (/\S+)", file.read_text())
    }
    assert probed == {"/livez", "/readyz", "/metrics"}
    assert probed <= {str(rule) for rule in create_app(settings).url_map.iter_rules()}


def test_variables_of_the_compose_file_are_told() -> None:
    """The page on deploying has every variable that the compose file reads, and no other."""
    read = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (DEPLOY / "compose/compose.yaml").read_text()))
    page = (ROOT / "docs/deployment.md").read_text()
    table = page.partition("## Compose")[2].partition("## Kubernetes")[0]
    told = {
        name
        for cell in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)
        for name in re.findall(r"`([A-Z_]+)`", cell)
    }
    assert read == told


def test_overlays_are_told() -> None:
    """The page on deployment has every overlay for Kubernetes."""
    page = (ROOT / "docs/deployment.md").read_text()
    for path in (DEPLOY / "kubernetes/overlays").iterdir():
        assert f"| [{path.name}](../deploy/kubernetes/overlays/{path.name}) |" in page


def test_haproxy_takes_the_configuration_of_the_compose_file(tmp_path: Path) -> None:
    """HAProxy reads it, with a certificate in place and the limits that compose.yaml sets."""
    haproxy = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if haproxy is None or shutil.which("openssl") is None:
        pytest.skip("haproxy or openssl is not installed")
    make_certificate(tmp_path)
    text = (DEPLOY / "compose/haproxy.cfg").read_text()
    assert "/certificates/shop.pem" in text
    (pem,) = tmp_path.glob("*.pem")
    path = tmp_path / "haproxy.cfg"
    path.write_text(text.replace("/certificates/shop.pem", str(pem)))
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    limits = compose["services"]["proxy"]["environment"]
    environ = {name: re.sub(r"\$\{\w+:-(\d+)\}", r"\1", text) for name, text in limits.items()}
    done = subprocess.run(
        [haproxy, "-c", "-f", str(path)], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
