"""Preferences over HTTP, as the contract has them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.database import Connection
from tests.support.shopping import API, get, log_in, register

PREFERENCES = f"{API}/preferences"
DEFAULTS = {"theme": "system", "locale": "en", "page_size": 20, "marketing_emails": False}
CHOSEN = {"theme": "dark", "locale": "de-CH", "page_size": 50, "marketing_emails": True}


async def choose(client: Client, **changes: Any) -> Any:
    """Change some; returns all."""
    response = await client.patch(PREFERENCES, json=changes)
    assert response.status_code == 200, await response.get_data(as_text=True)
    return await response.get_json()


async def test_defaults(client: Client) -> None:
    """Who never chose has the defaults, and nothing is kept of looking at them."""
    response = await client.get(PREFERENCES)
    assert await response.get_json() == DEFAULTS
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("signed_in", [False, True], ids=["guest", "account"])
@pytest.mark.parametrize("name", DEFAULTS)
async def test_one_at_a_time(client: Client, name: str, *, signed_in: bool) -> None:
    """A change of one field leaves the others alone, and is there on the next visit."""
    if signed_in:
        await register(client)
    expected = {**DEFAULTS, name: CHOSEN[name]}
    assert await choose(client, **{name: CHOSEN[name]}) == expected
    assert await get(client, "/preferences") == expected
    assert (await get(client, "/session"))["preferences"] == expected


@pytest.mark.parametrize("signed_in", [False, True], ids=["guest", "account"])
async def test_several_and_none(client: Client, *, signed_in: bool) -> None:
    """Several change at once; an empty change changes nothing."""
    if signed_in:
        await register(client)
    assert await choose(client) == DEFAULTS
    assert await choose(client, **CHOSEN) == CHOSEN
    assert await choose(client) == CHOSEN
    assert await choose(client, **DEFAULTS) == DEFAULTS


@pytest.mark.parametrize(
    "locale",
    [
        "de",
        "de-CH",
        "zh-Hant-TW",
        "es-419",
        "gsw",
        "sl-rozaj-biske",
        "de-CH-1996",
        "de-u-co-phonebk",
    ],
)
async def test_locale(client: Client, locale: str) -> None:
    """A language tag of BCP 47 is taken as it is."""
    assert (await choose(client, locale=locale))["locale"] == locale


@pytest.mark.parametrize(
    "body",
    [
        {"theme": "blue"},
        {"theme": "Dark"},
        {"theme": None},
        {"theme": 1},
        {"locale": ""},
        {"locale": "german"},
        {"locale": "de_CH"},
        {"locale": "de-"},
        {"locale": "-CH"},
        {"locale": "de CH"},
        {"locale": "de\n"},
        {"locale": "dé"},
        {"locale": "de" + "-abcdefgh" * 4},
        {"locale": "../../etc"},
        {"page_size": 9},
        {"page_size": 101},
        {"page_size": 20.0},
        {"page_size": "20"},
        {"page_size": True},
        {"page_size": 10**30},
        {"marketing_emails": 1},
        {"marketing_emails": "true"},
        {"marketing_emails": None},
        {"colour": "blue"},
        {"theme": "dark", "colour": "blue"},
        [],
        None,
        "dark",
    ],
)
@pytest.mark.parametrize("signed_in", [False, True], ids=["guest", "account"])
async def test_wrong(client: Client, body: Any, *, signed_in: bool) -> None:
    """What isn't a preference is 422 `invalid`, and nothing of the request is kept."""
    if signed_in:
        await register(client)
    response = await client.patch(
        PREFERENCES, data=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    problem = await response.get_json()
    assert (response.status_code, problem["code"]) == (422, "invalid")
    assert problem["errors"][0]["message"]
    assert await get(client, "/preferences") == DEFAULTS


async def test_own_choices_win_at_login(app: Quart, client: Client) -> None:
    """At login the account's own choices stay, and the guest's fill those never made."""
    name = (await register(client))["user"]["username"]
    await choose(client, theme="light", page_size=10)
    guest = app.test_client()
    await choose(guest, theme="dark", locale="fr")
    await log_in(guest, name)
    filled = {**DEFAULTS, "theme": "light", "page_size": 10, "locale": "fr"}
    assert await get(guest, "/preferences") == filled
    # They are the account's from then on, in every browser.
    other = app.test_client()
    await log_in(other, name)
    assert await get(other, "/preferences") == filled


async def test_default_that_was_chosen_wins(app: Quart, client: Client) -> None:
    """Who chose what happens to be the default has chosen it."""
    name = (await register(client))["user"]["username"]
    await choose(client, theme="system")
    guest = app.test_client()
    await choose(guest, theme="dark")
    await log_in(guest, name)
    assert (await get(guest, "/preferences"))["theme"] == "system"


async def test_registering_takes_them_along(app: Quart, client: Client) -> None:
    """A guest's choices are the new account's."""
    await choose(client, **CHOSEN)
    name = (await register(client))["user"]["username"]
    other = app.test_client()
    await log_in(other, name)
    assert await get(other, "/preferences") == CHOSEN


async def test_account_is_not_the_browser(app: Quart, client: Client) -> None:
    """After logging out the browser has what it had as a guest, not the account's choices."""
    await choose(client, theme="dark")
    await register(client)
    await choose(client, theme="light", locale="fr")
    await client.delete(f"{API}/session")
    assert await get(client, "/preferences") == {**DEFAULTS, "theme": "dark"}


async def test_login_that_ended(client: Client, observer: Connection) -> None:
    """When a login has ended, its browser neither sees nor changes the account's choices."""
    user = (await register(client))["user"]
    await choose(client, theme="dark")
    await observer.execute(
        "update logins set ended_at = now() where account_id = $1::text::uuid", user["id"]
    )
    assert await get(client, "/preferences") == DEFAULTS
    assert await choose(client, page_size=30) == {**DEFAULTS, "page_size": 30}
    row = await observer.fetchrow(
        "select theme, page_size from preferences where account_id = $1::text::uuid", user["id"]
    )
    assert row
    assert tuple(row) == ("dark", None)


async def test_two_browsers_at_once(app: Quart) -> None:
    """Changes of different fields at once, from one account's browsers, are all kept."""
    client = app.test_client()
    name = (await register(client))["user"]["username"]
    browsers = [app.test_client() for _ in CHOSEN]
    for browser in browsers:
        await log_in(browser, name)
    await asyncio.gather(
        *(
            choose(browser, **{field: value})
            for browser, (field, value) in zip(browsers, CHOSEN.items(), strict=True)
        )
    )
    assert await get(client, "/preferences") == CHOSEN


async def test_needs_no_database_for_a_guest(start_app: Any) -> None:
    """A guest's preferences are in the browser: they work while the database is away."""
    app = await start_app(database_url="postgresql://nobody@127.0.0.1:1/nowhere")
    client = app.test_client()
    assert await choose(client, theme="dark") == {**DEFAULTS, "theme": "dark"}
    assert (await get(client, "/preferences"))["theme"] == "dark"
