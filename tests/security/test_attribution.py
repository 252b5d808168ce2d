"""Whoever was refused can be found out: in the log, and in the audit, which nobody can fill."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.http.record import LONGEST_PATH, REFUSALS
from service.logins import hash_token
from tests.support.shopping import API, Product, add, get, make_token, register

StartApp = Callable[..., Awaitable[Quart]]
Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The lines of requests since it was last asked."""
    caplog.set_level(logging.INFO)

    def read() -> list[dict[str, Any]]:
        found = [vars(each) for each in caplog.records if each.msg == "request"]
        caplog.clear()
        return found

    return read


Lines = Callable[[], list[dict[str, Any]]]


async def account_of(client: Client) -> str:
    return str((await get(client, "/account"))["id"])


async def test_line_names_a_login(app: Quart, lines: Lines) -> None:
    """Address, account, the login's hash and the route are in a signed-in request's line."""
    client = app.test_client()
    await register(client)
    account = await account_of(client)
    async with client.session_transaction() as session:
        login = session["login"]
    lines()
    await client.get(f"{API}/orders/K7RX-3MDT")
    (line,) = lines()
    assert line["account_id"] == account
    assert line["credential"] == hash_token(login).hex()[:12]
    assert line["ip"]
    assert line["route"] == f"{API}/orders/<number>"
    assert (line["status"], line["code"]) == (404, "not_found")
    assert login not in str(line)


async def test_order_of_somebody_else(app: Quart, product: Product, lines: Lines) -> None:
    """A 404 of somebody else's thing can be told to who asked, by API and by page."""
    owner, stranger = app.test_client(), app.test_client()
    await register(owner)
    total = (await add(owner, product.sku))["total"]
    ordered = await owner.post(f"{API}/orders", json={"expected_total": total})
    number = (await ordered.get_json())["number"]
    await register(stranger)
    account = await account_of(stranger)
    lines()
    await stranger.get(f"{API}/orders/{number}")
    await stranger.post(f"{API}/orders/{number}/cancel")
    await stranger.get(f"/orders/{number}")
    for line in lines():
        assert (line["status"], line["code"], line["account_id"]) == (404, "not_found", account)


async def test_token_without_the_scope(app: Quart, lines: Lines, observer: Observer) -> None:
    """A 403 names account and token, in the line and in the audit."""
    client = app.test_client()
    await register(client)
    account = await account_of(client)
    token = (await make_token(client, scopes=["read"]))["token"]
    lines()
    script = app.test_client(use_cookies=False)
    response = await script.patch(
        f"{API}/preferences",
        json={"theme": "dark"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert response.status_code == 403
    (line,) = lines()
    assert (line["code"], line["account_id"]) == ("forbidden", account)
    assert line["credential"] == hash_token(token).hex()[:12]
    row = await observer.fetchrow(
        "select event, account_id, ip from audit where request_id = $1", line["request_id"]
    )
    assert row is not None
    assert (row["event"], str(row["account_id"]), row["ip"]) == ("refused", account, line["ip"])


@pytest.mark.parametrize("token", ["", "x", "locker_r_nobody-ever-made-this", "\xff", "x" * 5000])
async def test_invalid_token(client: Client, lines: Lines, token: str) -> None:
    """A token that isn't one is nobody's, and isn't in the line."""
    await client.get(f"{API}/cart", headers={"Authorization": f"Bearer {token}"})
    (line,) = lines()
    assert (line["status"], line["code"]) == (401, "unauthenticated")
    assert "account_id" not in line
    assert len(token) < 2 or token not in str(line)


async def test_guest(client: Client, product: Product, lines: Lines) -> None:
    """A guest has an address; a page that asks nobody's name opens no session for the line."""
    response = await client.get("/livez")
    assert "Vary" not in response.headers
    await add(client, product.sku)
    for line in lines():
        assert line["ip"]
        assert "account_id" not in line
        assert "code" not in line


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1:8000", "a..b", "a" * 5000, ""])
async def test_refused_host(client: Client, lines: Lines, host: str) -> None:
    """A host that isn't served is in the line, as far as it fits."""
    await client.get(f"{API}/cart", headers={"Host": host})
    (line,) = lines()
    assert (line["status"], line["code"]) == (400, "bad_host")
    assert line["host"] == host[:255]


async def test_other_site(client: Client, lines: Lines, observer: Observer) -> None:
    """A request of another site is recorded, too."""
    await client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    (line,) = lines()
    assert line["code"] == "cross_site"
    row = await observer.fetchrow(
        "select event, account_id from audit where request_id = $1", line["request_id"]
    )
    assert row is not None
    assert tuple(row) == ("refused", None)


async def test_line_of_a_long_path(app: Quart, lines: Lines) -> None:
    """A path is in the line as far as it helps: nobody fills the disk with it."""
    await app.test_client().get("/products/" + "%FF" * 8000)
    (line,) = lines()
    assert line["path"].startswith("/products/")
    assert len(line["path"]) == LONGEST_PATH


async def test_flood_of_refusals(start_app: StartApp, lines: Lines, observer: Observer) -> None:
    """Nobody fills the audit: beyond a number a minute only the log has them."""
    client = (await start_app()).test_client()
    for _ in range(REFUSALS + 40):
        await client.delete(f"{API}/cart", headers={"Sec-Fetch-Site": "cross-site"})
    logged = lines()
    assert len(logged) == REFUSALS + 40
    rows = await observer.fetchval(
        "select count(*) from audit where request_id = any($1)",
        [line["request_id"] for line in logged],
    )
    assert rows == REFUSALS


async def test_refused_while_the_database_is_away(start_app: StartApp) -> None:
    """Whoever is refused is told so all the same."""
    app = await start_app(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    response = await app.test_client().delete(
        f"{API}/cart", headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
