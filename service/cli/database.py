"""How commands get at the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from service import create_app
from service.database import get_db

if TYPE_CHECKING:
    from service.database import Connection
    from service.settings import Settings

CONNECT_WITHIN = 10.0
"""Seconds."""


@asynccontextmanager
async def direct(url: str) -> AsyncIterator[Connection]:
    """Connect without the service's limits, or anything else of it that may not work."""
    db = await asyncpg.connect(url, timeout=CONNECT_WITHIN)
    try:
        yield db
    finally:
        await db.close(timeout=CONNECT_WITHIN)


@asynccontextmanager
async def through_app(settings: Settings) -> AsyncIterator[Connection]:
    """Take a connection as a request does."""
    app = create_app(settings)
    await app.startup()
    try:
        async with app.app_context():
            yield await get_db()
    finally:
        await app.shutdown()
