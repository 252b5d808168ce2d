"""The service ends as it should, whoever started it and however."""

from __future__ import annotations

from typing import Literal

import httpx
import pytest

from service.settings import Settings
from tests.support.serving import environment, serve
from tests.support.shopping import API


@pytest.mark.parametrize("program", ["hypercorn", "locker"])
def test_served(settings: Settings, program: Literal["hypercorn", "locker"]) -> None:
    """Both commands serve the same thing, and SIGTERM ends it with 0 and nothing to complain of."""
    with serve(settings, program=program) as served:
        assert httpx.get(f"{served.url}{API}/cart").json()["lines"] == []
        assert served.stop() == 0
        assert "Traceback" not in served.log()
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)


def test_settings_arrive(settings: Settings) -> None:
    """The environment a process is given says what the settings say."""
    assert Settings.from_env(environment(settings)) == settings
