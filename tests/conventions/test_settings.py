"""The page of the settings is the code's."""

from __future__ import annotations

import dataclasses
import re

from service.settings import PREFIX, Settings
from tests.conventions.settings_page import GROUPS
from tests.support.serving import ROOT
from tests.support.source import MODULES, texts


def test_every_group_begins_with_a_setting() -> None:
    """No heading of the page is lost because a setting was renamed."""
    fields = [field.name for field in dataclasses.fields(Settings)]
    assert [name for name in fields if name in GROUPS] == list(GROUPS)


def test_every_setting_is_read() -> None:
    """No setting is there that does nothing: each is named outside the settings' own module."""
    elsewhere = "".join(
        path.read_text() for path in MODULES if path != ROOT / "service/settings/model.py"
    )
    for field in dataclasses.fields(Settings):
        if field.name != "environment":  # `production` and `development` are asked of it
            assert re.search(rf"\.{field.name}\b", elsewhere), field.name


READERS = {
    ROOT / "service/settings/model.py",
    # Asks the running service and must not wait for all of the settings' imports.
    ROOT / "service/cli/probe.py",
}


def test_nothing_else_reads_the_environment() -> None:
    """`Settings.from_env` looks at `LOCKER_` variables, and the health check's probe at one."""
    for path, tree in MODULES.items():
        if path not in READERS:
            source = path.read_text()
            assert "getenv" not in source, path
            assert not any(re.fullmatch(rf"{PREFIX}\w+", each) for each in texts(tree)), path
