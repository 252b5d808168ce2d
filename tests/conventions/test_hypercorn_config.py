"""hypercorn.toml says what it seems to say."""

import itertools
import tomllib
from pathlib import Path

from hypercorn.config import Config

PATH = Path(__file__).parents[2] / "hypercorn.toml"
OPTIONS = tomllib.loads(PATH.read_text())


def test_options_exist() -> None:
    """Every key is an option of the installed Hypercorn, which would take any other in silence."""
    config = Config.from_toml(PATH)
    assert [name for name in OPTIONS if not hasattr(Config, name)] == []
    wanted = OPTIONS.items()
    assert [name for name, value in wanted if getattr(config, name) not in (value, [value])] == []


def test_one_process() -> None:
    """One process serves, without a fork: only that one drains and fails with a status."""
    assert Config.from_toml(PATH).workers == 0


def test_every_option_has_its_reason() -> None:
    """A comment stands right above each option of hypercorn.toml."""
    lines = PATH.read_text().splitlines()
    above = {line.split(" =")[0]: before for before, line in itertools.pairwise(lines)}
    assert [name for name in OPTIONS if not above[name].startswith("#")] == []
