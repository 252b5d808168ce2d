"""The guide to the package says what there is."""

from __future__ import annotations

import dataclasses
import inspect
import re
import tomllib
from pathlib import Path

import pytest
from quart import Quart

from quart_locker import PooledConnection, SectionedSessions
from quart_locker.connection.pool import PoolOptions
from quart_locker.sessions.policy import KEYS, SessionOptions
from tests.quart_locker.test_imports import OURS
from tests.support.keys import KEY

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "use-in-your-app.md").read_text()


def test_every_argument_is_there() -> None:
    """Each argument has its row, with the key of ``app.config`` that says the same."""
    rows = [row for row in GUIDE.splitlines() if row.startswith("| `")]
    for name in SessionOptions.__annotations__:
        row = next(row for row in rows if row.startswith(f"| `{name}`"))
        assert KEYS.get(name, "") in row
    arguments = {
        *(field.name for field in dataclasses.fields(PoolOptions)),
        *inspect.signature(SectionedSessions.__init__).parameters,
        *inspect.signature(PooledConnection.__init__).parameters,
        *inspect.signature(PooledConnection.init_app).parameters,
    }
    for name in arguments - {"self", "app", "dsn", "options", "sections"}:
        assert any(f"`{name}`" in row.split("|")[1] for row in rows), name


def test_the_defaults_are_as_it_says() -> None:
    """What it says of what nobody set is so."""
    policy = SectionedSessions(keys=[KEY]).jar(Quart(__name__)).policy
    assert (policy.name, policy.path, policy.samesite) == ("session", "/", "Lax")
    assert (policy.idle, policy.section_idle) == (31 * 86_400, 31 * 86_400)
    assert (policy.lifetime, policy.refresh, policy.max_size) == (365 * 86_400, 86_400, 4093)
    assert PoolOptions() == PoolOptions(
        min_size=0, max_size=10, timeout=2.0, statement_timeout=30.0, reset=True
    )


def test_the_number_of_modules_is_as_it_says() -> None:
    """The number of modules that an import brings is the one that is held."""
    assert f"brings {len(OURS)} modules of its own" in GUIDE


def test_both_have_one_version() -> None:
    """The package and the service are of one version, as the service has the package in it."""
    versions = {
        tomllib.loads((ROOT / each).read_text())["project"]["version"]
        for each in ("pyproject.toml", "quart-locker/pyproject.toml")
    }
    assert len(versions) == 1


@pytest.mark.parametrize(
    "page", ["docs/use-in-your-app.md", "quart-locker/README.md"], ids=["guide", "readme"]
)
async def test_its_code_runs(page: str) -> None:
    """The first application of the guide, and of the package's own page, is one that works."""
    code = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)[0]
    names: dict[str, object] = {"__name__": "guide"}
    exec(code.replace("…", KEY).replace("localhost/", "localhost:1/"), names)  # noqa: S102 - ours
    app = names["app"]
    assert isinstance(app, Quart)
    async with app.test_app():
        client = app.test_client()
        for rule in app.url_map.iter_rules():
            if rule.endpoint == "add":
                path = f"{rule.rule.rpartition('/')[0]}/mug"
                ask = client.post if "POST" in (rule.methods or ()) else client.get
                # Nothing is at that address: 503, and no fault.
                assert (await ask(path)).status_code == 503
