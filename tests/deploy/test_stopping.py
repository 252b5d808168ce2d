"""Each platform gives Locker the time that it takes to stop, and the files that it names."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from service.settings import Settings
from tests.support.keys import KEY
from tests.support.serving import ROOT

DEPLOY = ROOT / "deploy"
HYPERCORN = tomllib.loads((ROOT / "hypercorn.toml").read_text())
AFTER_DRAINING = HYPERCORN["graceful_timeout"] + HYPERCORN["shutdown_timeout"]
"""Seconds that requests under way, and then the pool, may take."""


def seconds(text: str) -> int:
    return int(re.fullmatch(r"(\d+)s?", text)[1])  # type: ignore[index] # or the test fails


def manifest(name: str) -> Any:
    return yaml.safe_load((DEPLOY / "kubernetes/base" / name).read_text())


def test_kubernetes() -> None:
    """The grace is more than preStop, draining and what Hypercorn gives, together."""
    pod = manifest("deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    asleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    (generated,) = manifest("kustomization.yaml")["configMapGenerator"]
    settings = dict(literal.split("=") for literal in generated["literals"])
    drain = float(settings["LOCKER_DRAIN_TIME"])
    assert asleep + drain + AFTER_DRAINING < pod["terminationGracePeriodSeconds"]
    ready = container["readinessProbe"]
    assert (ready["failureThreshold"] - 1) * ready["periodSeconds"] < drain


def test_compose() -> None:
    """The same for the compose file, whose proxy notices within the time of draining."""
    locker = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())["services"]["locker"]
    drain = float(locker["environment"]["LOCKER_DRAIN_TIME"])
    assert drain + AFTER_DRAINING < seconds(locker["stop_grace_period"])
    proxy = (DEPLOY / "compose/haproxy.cfg").read_text()
    every, times = map(int, re.findall(r"inter (\d+)s fall (\d+)", proxy)[0])
    (longest,) = map(int, re.findall(r"timeout check (\d+)s", proxy))
    assert times * (every + longest) < drain


def test_systemd() -> None:
    """The unit leaves a service the time to stop, and has no draining: nobody could learn of it."""
    unit = configparser.RawConfigParser(strict=False)
    unit.read(DEPLOY / "systemd/locker-web@.service")
    assert seconds(unit["Service"]["TimeoutStopSec"]) > AFTER_DRAINING
    assert "LOCKER_DRAIN_TIME=0" in Path(DEPLOY / "systemd/locker-web@.service").read_text()


def test_as_many_files_as_connections() -> None:
    """The unit may open as many files as `locker doctor` asks for."""
    unit = configparser.RawConfigParser(strict=False)
    unit.read(DEPLOY / "systemd/locker-web@.service")
    defaults = Settings(database_url="postgresql:", secret_key=KEY, allowed_hosts=("shop.example",))
    assert int(unit["Service"]["LimitNOFILE"]) > 2 * defaults.max_connections + 100


def test_secrets_are_files() -> None:
    """No setting that is secret stands as itself anywhere under deploy/, but for development."""
    secret = {name.upper() for name, f in Settings.__dataclass_fields__.items() if not f.repr}
    for path in (path for path in DEPLOY.rglob("*") if path.is_file()):
        named = set(re.findall(r"\bLOCKER_([A-Z_]+)\b", path.read_text()))
        assert not named & secret, path
