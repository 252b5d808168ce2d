"""Sessions end: after disuse, after their lifetime, and not before."""

from __future__ import annotations

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from tests.sessions.conftest import Later, StartShelf, keep, set_cookies, show

ALL = {"user_id": "ada", "cart": {"id": "1" * 32}, "preferences": {"theme": "dark"}}
EMPTY = {"new": True, "permanent": False}
WHOLE = {**EMPTY, "new": False, **ALL}


@pytest.fixture
async def shelf(start_shelf: StartShelf) -> Quart:
    """Cookies end after 1,000 seconds of disuse, or after 5,000 anyhow."""
    return await start_shelf(section_idle=1_000, remember_lifetime=1_000, section_lifetime=5_000)


async def found(client: Client) -> object:
    return await (await client.get("/session")).get_json()


async def test_ends_after_disuse(shelf: Quart, later: Later) -> None:
    """A session that nobody used for its idle time is empty; a second before it is whole."""
    cookies = await keep(shelf, ALL)
    later(999)
    assert await show(shelf, cookies) == WHOLE
    later(2)
    assert await show(shelf, cookies) == EMPTY


async def test_use_keeps_it(shelf: Quart, later: Later) -> None:
    """A session in use is signed anew now and then, and doesn't end for its idle time."""
    client = shelf.test_client()
    await client.patch("/session", json=ALL)
    for _ in range(9):
        later(500)
        assert await found(client) == WHOLE


async def test_ends_after_its_lifetime(shelf: Quart, later: Later) -> None:
    """However much in use, a session ends when its lifetime is over."""
    client = shelf.test_client()
    await client.patch("/session", json=ALL)
    for _ in range(9):
        later(500)
        await client.get("/session")
    later(499)
    assert await found(client) == WHOLE
    later(2)
    assert await found(client) == EMPTY


async def test_change_does_not_lengthen_its_lifetime(shelf: Quart, later: Later) -> None:
    """A change doesn't make a section younger; only one that was empty begins anew."""
    client = shelf.test_client()
    await client.patch("/session", json=ALL)
    for number in range(9):
        later(500)
        await client.patch("/session", json={"cart": {"number": number}})
    later(501)
    assert await found(client) == EMPTY
    await client.patch("/session", json=ALL)
    later(999)
    assert await found(client) == WHOLE


async def test_signed_anew_only_when_due(shelf: Quart, later: Later) -> None:
    """Reading alone sends no cookie, until a tenth of the idle time has passed."""
    client = shelf.test_client()
    await client.patch("/session", json=ALL)
    later(98)
    assert set_cookies(await client.get("/session")) == {}
    later(2)
    sent = set_cookies(await client.get("/session"))
    assert set(sent) == {"session", "session-cart", "session-preferences"}
    assert set_cookies(await client.get("/session")) == {}


async def test_shorter_idle_time_of_the_base(start_shelf: StartShelf, later: Later) -> None:
    """The base section is signed anew in time also where its idle time is the shorter one."""
    client = (await start_shelf(remember_lifetime=1_000)).test_client()
    await client.patch("/session", json=ALL)
    for _ in range(5):
        later(500)
        assert await found(client) == WHOLE


async def test_clock_of_another_host_may_be_ahead(shelf: Quart, later: Later) -> None:
    """A cookie from a host whose clock is a little ahead is good, from a far future it isn't."""
    later(299)
    cookies = await keep(shelf, ALL)
    later(-299)
    assert await show(shelf, cookies) == WHOLE
    later(302)
    cookies = await keep(shelf, ALL)
    later(-302)
    assert await show(shelf, cookies) == EMPTY


async def test_signed_anew_in_the_future(shelf: Quart, later: Later) -> None:
    """A cookie that a host far ahead signed anew isn't good either, however long it has been."""
    client = shelf.test_client()
    await client.patch("/session", json=ALL)
    later(302)
    assert len(set_cookies(await client.get("/session"))) == 3
    later(-302)
    assert await found(client) == EMPTY
