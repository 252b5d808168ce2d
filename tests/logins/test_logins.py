"""The list of an account's logins, and ending them."""

from __future__ import annotations

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from tests.support.shopping import API, get, log_in, make_token, register


async def two_devices(app: Quart) -> tuple[Client, Client]:
    """Return two browsers signed in to one account."""
    laptop, phone = app.test_client(), app.test_client()
    name = (await register(laptop))["user"]["username"]
    await log_in(phone, name)
    return laptop, phone


async def signed_in(client: Client) -> bool:
    return bool((await get(client, "/session"))["authenticated"])


async def test_logins_are_listed_with_device_and_address(app: Quart) -> None:
    """The list has each login that is valid, and says which one asks."""
    client = app.test_client()
    client_agent = {"User-Agent": "Mozilla/5.0 (Test)"}
    name = (await register(client))["user"]["username"]
    response = await app.test_client().post(
        f"{API}/session",
        json={"username": name, "password": "correct horse battery staple"},
        headers=client_agent,
    )
    assert response.status_code == 200
    logins = (await get(client, "/account/sessions"))["sessions"]
    assert {login["user_agent"] for login in logins} >= {"Mozilla/5.0 (Test)"}
    assert [login["current"] for login in logins].count(True) == 1
    assert all(login["ip"] for login in logins)
    assert set(logins[0]) == {
        "id", "created_at", "last_seen_at", "user_agent", "ip", "new_device", "current",
    }  # fmt: skip


async def test_ending_one_login_is_seen_by_its_next_request(app: Quart) -> None:
    """A browser whose login was ended elsewhere is a guest from then on; the other stays."""
    laptop, phone = await two_devices(app)
    logins = (await get(laptop, "/account/sessions"))["sessions"]
    (other,) = (login["id"] for login in logins if not login["current"])
    assert (await laptop.delete(f"{API}/account/sessions/{other}")).status_code == 204
    assert not await signed_in(phone)
    assert await signed_in(laptop)
    assert (await laptop.delete(f"{API}/account/sessions/{other}")).status_code == 404


async def test_ending_ones_own_login_is_a_log_out(app: Quart) -> None:
    """Ending the login that asks removes it from the session too."""
    client = app.test_client()
    await register(client)
    (login,) = (await get(client, "/account/sessions"))["sessions"]
    assert (await client.delete(f"{API}/account/sessions/{login['id']}")).status_code == 204
    assert not await signed_in(client)
    async with client.session_transaction() as session:
        assert "user_id" not in session


@pytest.mark.parametrize(("query", "status"), [("", 200), ("?tokens=true", 401)])
async def test_ending_all_leaves_the_one_that_asks(app: Quart, query: str, status: int) -> None:
    """Every other login ends; tokens stay, unless they are to end too."""
    laptop, phone = await two_devices(app)
    token = (await make_token(laptop))["token"]
    assert (await laptop.delete(f"{API}/account/sessions{query}")).status_code == 204
    assert await signed_in(laptop)
    assert not await signed_in(phone)
    stranger = app.test_client(use_cookies=False)
    response = await stranger.get(f"{API}/account", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == status


async def test_a_token_that_ends_all_stays(app: Quart) -> None:
    """A token that ends every login and every other token stays."""
    laptop, _ = await two_devices(app)
    mine, other = await make_token(laptop), await make_token(laptop)
    program = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {mine['token']}"}
    path = f"{API}/account/sessions?tokens=true"
    assert (await program.delete(path, headers=headers)).status_code == 204
    assert not await signed_in(laptop)
    tokens = await (await program.get(f"{API}/account/tokens", headers=headers)).get_json()
    assert [each["id"] for each in tokens["tokens"]] == [mine["id"]] != [other["id"]]


async def test_login_of_another_account_is_not_found(app: Quart) -> None:
    """Nobody can end somebody else's login."""
    laptop, _ = await two_devices(app)
    stranger = app.test_client()
    await register(stranger)
    (login, *_) = (await get(laptop, "/account/sessions"))["sessions"]
    assert (await stranger.delete(f"{API}/account/sessions/{login['id']}")).status_code == 404
    assert await signed_in(laptop)


async def test_lists_are_for_the_signed_in(client: Client) -> None:
    """A guest who asks for logins or tokens gets 401."""
    for path in ("/account/sessions", "/account/tokens"):
        assert (await client.get(f"{API}{path}")).status_code == 401
