"""A login is a row: when it has ended, no cookie brings it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import clock
from service.accounts import disable
from service.audit import COMMAND_LINE
from service.database import Connection
from service.logins import hash_token
from service.settings import Settings
from tests.sessions.conftest import Later, cookie_of, set_cookies
from tests.support.serving import Served
from tests.support.shopping import API, PASSWORD, get, log_in, new_name, register


async def is_signed_in(client: Client) -> bool:
    """Whether the service says so, everywhere alike."""
    answer = await get(client, "/session")
    status = (await client.get(f"{API}/account")).status_code
    assert (answer["authenticated"], status) in {(True, 200), (False, 401)}
    assert (answer["user"] is not None) is answer["authenticated"]
    return bool(answer["authenticated"])


def cookies_of(client: Client) -> dict[str, str]:
    assert client.cookie_jar is not None
    return {cookie.name: cookie.value or "" for cookie in client.cookie_jar}


def login_of(client: Client, settings: Settings) -> dict[str, Any]:
    """Return what the base section holds."""
    opened = cookie_of(settings, "session").open(cookies_of(client)["session"])
    assert opened
    return opened.content


def saved(app: Quart, client: Client) -> Client:
    """Return another browser with a copy of this one's cookies."""
    copy = app.test_client()
    for name, value in cookies_of(client).items():
        copy.set_cookie("localhost", name, value)
    return copy


async def test_session_says_who(client: Client, settings: Settings) -> None:
    """Logging in puts `user_id` and `username` into the session."""
    user = (await register(client))["user"]
    found = login_of(client, settings)
    assert found["user_id"] == user["id"]
    assert found["username"] == user["username"]
    assert await is_signed_in(client)


async def test_token_is_stored_as_a_hash(
    client: Client, settings: Settings, observer: Connection
) -> None:
    """Whoever reads the table can't log in with what is in it."""
    user = (await register(client))["user"]
    token = login_of(client, settings)["login"]
    row = await observer.fetchrow(
        "select logins::text as text, token_hash from logins where account_id = $1::text::uuid",
        user["id"],
    )
    assert row
    assert token not in row["text"]
    assert row["token_hash"] == hash_token(token)


async def test_logging_out(client: Client, observer: Connection) -> None:
    """Logging out takes the login out of the session and ends its row."""
    user = (await register(client))["user"]
    response = await client.delete(f"{API}/session")
    assert response.status_code == 204
    morsel = set_cookies(response)["session"]
    assert (morsel.value, morsel["max-age"]) == ("", "0")
    assert not await is_signed_in(client)
    ended = await observer.fetch(
        "select ended_at is not null as ended from logins where account_id = $1::text::uuid",
        user["id"],
    )
    assert [row["ended"] for row in ended] == [True]
    assert (await client.delete(f"{API}/session")).status_code == 204


async def test_logging_out_keeps_the_rest(client: Client) -> None:
    """Preferences of this browser are still there after logging out."""
    await client.patch(f"{API}/preferences", json={"theme": "dark"})
    await register(client)
    await client.delete(f"{API}/session")
    assert (await get(client, "/preferences"))["theme"] == "dark"


async def test_cookie_saved_before_logging_out(
    app: Quart, start_app: Any, signed_in: Client
) -> None:
    """Cookies saved before logging out don't log in after it, here or at another worker."""
    copy = saved(app, signed_in)
    assert await is_signed_in(copy)
    elsewhere = saved(await start_app(), signed_in)
    await signed_in.delete(f"{API}/session")
    assert not await is_signed_in(copy)
    assert not await is_signed_in(elsewhere)
    assert (await copy.delete(f"{API}/session")).status_code == 204


def test_cookie_saved_before_logging_out_on_another_process(pair: tuple[Served, Served]) -> None:
    """What one process ended the other doesn't accept, nor the first one."""
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    with (
        httpx.Client(base_url=f"{pair[0].url}{API}") as here,
        httpx.Client(base_url=f"{pair[1].url}{API}") as there,
        httpx.Client(base_url=f"{pair[0].url}{API}") as copy,
    ):
        assert here.post("/account", json=body).status_code == 201
        for client in (there, copy):
            client.cookies.update(here.cookies)
            assert client.get("/session").json()["authenticated"]
        assert here.delete("/session").status_code == 204
        for client in (there, copy):
            assert not client.get("/session").json()["authenticated"]
            assert client.get("/account").status_code == 401


async def test_new_token_at_each_login(app: Quart, client: Client, settings: Settings) -> None:
    """Each login has a token of its own, and logging in again ends the one before."""
    name = (await register(client))["user"]["username"]
    tokens = {login_of(client, settings)["login"]}
    for _ in range(3):
        copy = saved(app, client)
        await log_in(client, name)
        tokens.add(login_of(client, settings)["login"])
        assert await is_signed_in(client)
        assert not await is_signed_in(copy)
    assert len(tokens) == 4


async def test_cookies_planted_before_the_login(
    app: Quart, client: Client, settings: Settings
) -> None:
    """Whoever knows the cookies from before a login isn't logged in by it."""
    name = (await register(app.test_client()))["user"]["username"]
    await client.patch(f"{API}/preferences", json={"theme": "dark"})
    await get(client, "/cart")
    planted = saved(app, client)
    await log_in(client, name)
    assert await is_signed_in(client)
    assert not await is_signed_in(planted)


async def test_one_login_ends_no_other(app: Quart, client: Client) -> None:
    """Logging out in one browser leaves the others signed in."""
    name = (await register(client))["user"]["username"]
    other = app.test_client()
    await log_in(other, name)
    await client.delete(f"{API}/session")
    assert await is_signed_in(other)


async def test_disabled_account(client: Client, observer: Connection) -> None:
    """When an account is disabled, whoever is signed in with it is a guest from then on."""
    account_id = UUID((await register(client))["user"]["id"])
    await disable(observer, account_id, COMMAND_LINE)
    assert not await is_signed_in(client)


async def test_disabled_account_with_a_login_that_holds(
    client: Client, observer: Connection
) -> None:
    """A login of a disabled account counts for nothing, also if nobody ended it."""
    user = (await register(client))["user"]
    disabled = "update accounts set disabled_at = now() where id = $1::text::uuid"
    await observer.execute(disabled, user["id"])
    assert not await is_signed_in(client)


async def test_deleted_login(client: Client, observer: Connection) -> None:
    """A login without a row, as after its purge, is a guest's."""
    user = (await register(client))["user"]
    await observer.execute("delete from logins where account_id = $1::text::uuid", user["id"])
    assert not await is_signed_in(client)


async def test_ends_after_disuse(signed_in: Client, later: Later) -> None:
    """A login ends a day after its last use, and each use puts that off."""
    for _ in range(3):
        later(86_300)
        assert await is_signed_in(signed_in)
    later(86_401)
    assert not await is_signed_in(signed_in)


async def test_ends_after_its_lifetime(signed_in: Client, later: Later) -> None:
    """However much in use, a login ends after a week."""
    for _ in range(7):
        later(86_300)
        assert await is_signed_in(signed_in)
    later(7 * 100 + 1)
    assert not await is_signed_in(signed_in)


async def test_remembered_lasts_longer(app: Quart, client: Client, later: Later) -> None:
    """A remembered login outlives the browser, 30 days of disuse, and ends after 90 days."""
    name = (await register(client))["user"]["username"]
    response = await client.post(
        f"{API}/session", json={"username": name, "password": PASSWORD, "remember": True}
    )
    assert int(set_cookies(response)["session"]["max-age"]) == 7_776_000
    for _ in range(3):
        later(29 * 86_400)
        assert await is_signed_in(client)
    later(3 * 86_400 + 1)
    assert not await is_signed_in(client)


async def test_use_is_noted_once_a_minute(
    client: Client, observer: Connection, later: Later
) -> None:
    """The time of the last use is written at most once a minute, and then it is."""
    user = (await register(client))["user"]

    async def last_seen() -> Any:
        return await observer.fetchval(
            "select last_seen_at from logins where account_id = $1::text::uuid", user["id"]
        )

    first = await last_seen()
    later(58)
    await get(client, "/session")
    assert await last_seen() == first
    later(3)
    before = clock.now()
    await get(client, "/session")
    assert await last_seen() >= before


@pytest.mark.parametrize(
    "content",
    [
        {"user_id": "not a uuid", "login": "x"},
        {"user_id": 1, "login": "x"},
        {"user_id": "00000000-0000-0000-0000-000000000000", "login": None},
        {"user_id": "00000000-0000-0000-0000-000000000000", "login": "\udc80"},
        {"user_id": ["00000000-0000-0000-0000-000000000000"], "login": ["x"]},
        {"username": "ada", "login": "x"},
        {"user_id": "00000000-0000-0000-0000-000000000000", "username": "ada"},
    ],
)
async def test_session_that_names_nobody(
    app: Quart, settings: Settings, content: dict[str, Any]
) -> None:
    """A session that another program signed, with whatever in it, is a guest's."""
    client = app.test_client()
    cookie = cookie_of(settings, "session")
    value = cookie.sign(content, int(clock.now().timestamp()))
    client.set_cookie("localhost", "session", value)
    assert not await is_signed_in(client)
    assert (await client.delete(f"{API}/session")).status_code == 204
