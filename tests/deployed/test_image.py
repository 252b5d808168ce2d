"""The image, as it is built."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deployed.conftest import ROOT, run
from tests.support.keys import KEY

pytestmark = pytest.mark.timeout(600)

MOST = 150e6
"""Bytes on top of the base."""
HEALTHY_WITHIN = 30.0


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """A container as locked up as can be, with half a CPU and a database that is away."""
    name = f"locker-test-{uuid.uuid4()}"
    options = ("--network=none", "--read-only", "--cap-drop=ALL", "--cpus=0.5", "--memory=512m")
    settings = {
        "LOCKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "LOCKER_SECRET_KEY": KEY,
        "LOCKER_ALLOWED_HOSTS": "shop.example",
    }
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    hard = ("--security-opt=no-new-privileges", "--health-interval=1s")
    run("docker", "run", "--detach", "--name", name, *options, *hard, *variables, image)
    try:
        yield name
    finally:
        run("docker", "rm", "--force", name)


def size(image: str) -> int:
    return int(run("docker", "image", "inspect", "--format={{.Size}}", image))


def test_size(image: str) -> None:
    """The image adds less than 150 MB to its base."""
    base = (
        os.environ.get("LOCKER_TEST_BASE")
        or re.findall(r"^ARG BASE=(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0]
    )
    added = size(image) - size(base)
    print(f"\n{size(image) / 1e6:.0f} MB, of them {added / 1e6:.0f} MB ours")  # noqa: T201
    assert added < MOST


def test_healthy_and_stopped(container: str) -> None:
    """The image gets healthy with nothing it may write to, as nobody, and ends with 0."""
    until = time.monotonic() + HEALTHY_WITHIN
    state: dict[str, Any] = {}
    while state.get("Status") != "healthy" and time.monotonic() < until:
        time.sleep(0.1)
        state = json.loads(run("docker", "inspect", "--format={{json .State.Health}}", container))
    assert state["Status"] == "healthy", run("docker", "logs", container)
    assert run("docker", "exec", container, "id", "-u") == "10001\n"
    assert run("docker", "exec", container, "cat", "/proc/1/comm") == "tini\n"
    run("docker", "stop", "--time=20", container)
    assert run("docker", "inspect", "--format={{.State.ExitCode}}", container) == "0\n"
