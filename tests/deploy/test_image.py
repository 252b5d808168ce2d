"""What the image is made of: the Dockerfile, and the health check that it brings."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from service.cli import probe
from service.settings import Settings
from tests.support.commands import environment
from tests.support.serving import serve

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ALONE = (sys.executable, "-I", "-S", probe.__file__)
"""The probe as the image runs it: without site-packages, and so without the service."""


def left_out() -> list[str]:
    """Return what .dockerignore takes out of the folders that it lets in."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line.startswith("service/")]


def test_what_is_copied_is_there_and_let_in() -> None:
    """Everything that the Dockerfile copies exists, and .dockerignore lets it in."""
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = {
        name
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in sources.split()
    }
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(name == each or name.startswith(f"{each}/") for each in let_in), name


def test_built_by_any_engine() -> None:
    """No `# syntax=` line, which would have each build ask a hub for a program to read it."""
    assert not re.search(r"^#\s*syntax\s*=", DOCKERFILE, re.IGNORECASE | re.MULTILINE)


def test_labels() -> None:
    """The image's labels say what the project says of itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"ARG VERSION={project['version']}\n" in DOCKERFILE
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\S+?)="([^"]*)"', DOCKERFILE))
    assert labels["description"] == project["description"]
    assert labels["licenses"] == project["license"]
    assert labels["base.name"].endswith(re.findall(r"^ARG BASE=(.+)$", DOCKERFILE, re.MULTILINE)[0])


def test_commands_without_development(tmp_path: Path) -> None:
    """The image's `locker` has all commands but `dev`, and no --data."""
    shutil.copytree(
        ROOT / "service",
        tmp_path / "service",
        ignore=lambda folder, names: [
            name
            for name in names
            for pattern in [*left_out(), "*__pycache__"]
            if fnmatch.fnmatch(os.path.relpath(f"{folder}/{name}", ROOT), pattern)
        ],
    )
    assert not (tmp_path / "service/devserver").exists()
    shown = subprocess.run(
        [sys.executable, "-m", "service.cli", "--help"],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(r"^  serve ", shown, re.MULTILINE)
    assert not re.search(r"^  dev |--data ", shown, re.MULTILINE)


def test_the_health_check_alone(settings: Settings) -> None:
    """The health check is a program of the standard library alone, and knows a living service."""
    assert f'"/opt/locker/{Path(probe.__file__).name}"' in DOCKERFILE
    with serve(settings) as served:
        environ = {"LOCKER_BIND": f"127.0.0.1:{served.port}"}
        assert subprocess.run(ALONE, env=environ, check=False).returncode == 0
    ended = subprocess.run(ALONE, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "no answer on" in ended.stderr


@pytest.mark.parametrize(
    "environ", [{}, {"LOCKER_BIND": ""}, {"LOCKER_BIND": "[::]:80"}, {"LOCKER_BIND_FILE": "{file}"}]
)
def test_the_health_check_asks_where_the_service_listens(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """The probe, which can't read `Settings`, takes their word for word for where to ask."""
    (tmp_path / "bind").write_text("unix:/run/locker/socket\n")
    environ = {name: text.format(file=tmp_path / "bind") for name, text in environ.items()}
    assert (
        probe.read_bind(environ)
        == Settings.from_env({**environ, "LOCKER_DATABASE_URL": "postgresql:"}, serving=False).bind
    )
