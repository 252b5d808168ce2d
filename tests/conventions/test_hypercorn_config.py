"""hypercorn.toml says what it seems to say."""

import tomllib
from pathlib import Path

import pytest
from hypercorn.config import Config

PATH = Path(__file__).parents[2] / "hypercorn.toml"
OPTIONS = tomllib.loads(PATH.read_text())


@pytest.mark.parametrize("name", OPTIONS)
def test_option_exists(name: str) -> None:
    """Every key is an option of the installed Hypercorn, which would take any other in silence."""
    assert hasattr(Config, name)
    assert getattr(Config.from_toml(PATH), name) in (OPTIONS[name], [OPTIONS[name]])


def test_one_process() -> None:
    """One process serves, without a fork: only that one drains and fails with a status."""
    assert Config.from_toml(PATH).workers == 0


def test_every_option_has_its_reason() -> None:
    """A comment stands right above each option."""
    lines = PATH.read_text().splitlines()
    for name in OPTIONS:
        at = next(n for n, line in enumerate(lines) if line.startswith(f"{name} ="))
        assert lines[at - 1].startswith("#"), name
