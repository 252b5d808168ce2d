"""The README's own code does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service.catalogue import SAMPLE, import_products
from service.settings import Settings
from tests.support.serving import Served, serve

README = (Path(__file__).parents[1] / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8000"


def code(language: str) -> str:
    """Return the README's code in that language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert ADDRESS in block
    return str(block)


@pytest.fixture
async def shop(own_url: str) -> str:
    """A database as `make run` prepares it."""
    db = await asyncpg.connect(own_url)
    with SAMPLE.open("rb") as sample:
        await import_products(db, sample, currency="USD")
    await db.close()
    return own_url


@pytest.fixture
def served(shop: str, settings: Settings) -> Iterator[Served]:
    """The service on it, as a process."""
    with serve(settings, database_url=shop) as served:
        yield served


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
def test_from_curl(served: Served) -> None:
    """The README's steps with curl answer as they are told."""
    steps = code("sh").replace(ADDRESS, served.url)
    done = subprocess.run(["sh", "-eu", "-c", steps], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    found, added, registered, cart, left = answers
    assert found["products"][0]["variants"][0]["sku"] == "TENT-2P-GREEN"
    assert [(line["sku"], line["quantity"]) for line in added["lines"]] == [("TENT-2P-GREEN", 2)]
    assert registered["user"]["username"].startswith("ada")
    assert registered["merge"]["lines"][0]["outcome"] == "added"
    assert cart == registered["cart"]
    assert cart["lines"] == added["lines"]
    assert left["lines"] == []


def test_from_python(served: Served) -> None:
    """The README's steps in Python print what stands beside each `print`."""
    program = code("python")
    done = subprocess.run(
        [sys.executable, "-c", program.replace(ADDRESS, served.url)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == re.findall(r"print\(.*\)  # (.*)", program)
