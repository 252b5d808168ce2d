"""Settings for production, and logging put back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from service.settings import Settings


@pytest.fixture
def as_before() -> Iterator[None]:
    """Logging is put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def production(settings: Settings) -> Settings:
    return replace(settings, environment="production", secure_cookies=True)
