"""The service with a view of the test's own, and a count of what the pool gives and gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from quart import Quart

from service.database import Pool, Pooled

StartView = Callable[..., Awaitable[Quart]]


@dataclass
class Ledger:
    """What the pool gave out and what came back, in order."""

    taken: list[Pooled] = field(default_factory=list)
    returned: list[Pooled] = field(default_factory=list)

    def is_even(self) -> bool:
        """Whether each connection came back, and came back once."""
        return sorted(map(id, self.taken)) == sorted(map(id, self.returned))


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The books of every pool, from here on."""
    ledger = Ledger()
    acquire, release = Pool.acquire, Pool.release

    async def acquire_noted(self: Pool) -> Pooled:
        connection = await acquire(self)
        ledger.taken.append(connection)
        return connection

    def release_noted(self: Pool, connection: Pooled) -> None:
        ledger.returned.append(connection)
        release(self, connection)

    monkeypatch.setattr(Pool, "acquire", acquire_noted)
    monkeypatch.setattr(Pool, "release", release_noted)
    return ledger


@pytest.fixture
def start_view(start_app: Callable[..., Awaitable[Quart]]) -> StartView:
    """Start the service with one view more, at ``/view``; settings as for `start_app`."""

    async def start(view: Callable[..., Any], **changes: Any) -> Quart:
        return await start_app(lambda app: app.add_url_rule("/view", view_func=view), **changes)

    return start


async def idle(app: Quart) -> int:
    """Connections free to take, once those on their way back have arrived."""
    pool: Pool = app.extensions["locker"].get(Pool)
    await pool.settle()
    return pool.idle
