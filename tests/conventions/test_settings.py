"""The README's table of settings is the code's."""

from __future__ import annotations

import dataclasses
import re

import pytest

from service.settings import PREFIX, Settings
from tests.conventions.source import MODULES, ROOT, texts
from tests.keys import KEY
from tests.serving import environment

README = (ROOT / "README.md").read_text()
DEFAULTS = environment(
    Settings(
        database_url="postgresql://needed",
        secret_key=KEY,
        allowed_hosts=("needed",),
    )
)


def row(field: dataclasses.Field[object]) -> str:
    """Return the setting's row in the table."""
    name = f"{PREFIX}{field.name.upper()}"
    default = f"`{DEFAULTS[name]}`" if DEFAULTS[name] else "none"
    if field.default is dataclasses.MISSING:
        default = "needed"
    return f"| `{name}` | {field.metadata['doc']} | {default} |"


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_a_setting_is_documented(field: dataclasses.Field[object]) -> None:
    """Each setting has its row, word for word as in the code."""
    assert row(field) in README.splitlines()


def test_no_other_setting_is_documented() -> None:
    """What the table has is a setting, and stands in the order of the code."""
    fields = [PREFIX + field.name.upper() for field in dataclasses.fields(Settings)]
    documented = re.findall(rf"^\| `({PREFIX}\w+)` \|", README, re.MULTILINE)
    assert documented == [*fields, f"{PREFIX}TEST_DATABASE_URL"]


def test_every_setting_is_read() -> None:
    """No setting is there that does nothing: each is named outside the settings' own module."""
    elsewhere = "".join(
        path.read_text() for path in MODULES if path != ROOT / "service/settings.py"
    )
    for field in dataclasses.fields(Settings):
        if field.name != "environment":  # `production` and `development` are asked of it
            assert re.search(rf"\.{field.name}\b", elsewhere), field.name


def test_nothing_else_reads_the_environment() -> None:
    """`Settings.from_env` is the only one that looks at `LOCKER_` variables."""
    for path, tree in MODULES.items():
        if path != ROOT / "service/settings.py":
            source = path.read_text()
            assert "getenv" not in source, path
            assert not any(re.fullmatch(rf"{PREFIX}\w+", each) for each in texts(tree)), path
