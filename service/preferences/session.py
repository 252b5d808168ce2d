"""The choices of the browser that asks: an account's in its row, a guest's in the session."""

from __future__ import annotations

from service import clock
from service.database import run
from service.logins import presented_login
from service.sessions import read_section, write_section

from . import queries
from .model import Choices, fill, from_section


async def change_choices(data: Choices) -> Choices:
    """Change some of the caller's choices, and return all."""
    presented, guest = presented_login(), read_guest_choices()
    own = None
    if presented:
        own = await run(queries.upsert_choices, presented, clock.now(), data, guest)
    presented.require(found=own is not None)
    if own is None:
        own = fill(data, guest)
        write_section("preferences", own.chosen())
    return own


async def load_choices() -> Choices:
    """Return the caller's choices: an account's own, filled up with those of this browser."""
    presented, guest = presented_login(), read_guest_choices()
    own = await run(queries.select_choices, presented, clock.now()) if presented else None
    presented.require(found=own is not None)
    return fill(own, guest) if own is not None else guest


def read_guest_choices() -> Choices:
    """Return what this browser chose, signed in or not."""
    return from_section(read_section("preferences"))
