from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.settings import Settings
from tests.support.serving import Served, serve


@pytest.fixture(scope="module")
def plain(settings: Settings) -> Iterator[Served]:
    """The service as it comes."""
    with serve(settings) as served:
        yield served


@pytest.fixture(scope="module")
def http2(settings: Settings) -> Iterator[Served]:
    """The service, with HTTP/2 by prior knowledge."""
    with serve(settings, http2=True) as served:
        yield served
