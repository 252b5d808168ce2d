"""The record of what happened to accounts: complete, without secrets, and nobody forges it."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg
import httpx
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import accounts
from service.accounts import Hasher
from service.audit import COMMAND_LINE, Event, Source, log
from service.clock import now
from service.settings import Limit, Settings
from tests.support.serving import serve
from tests.support.shopping import API, PASSWORD, get, log_in, make_token, new_name, register

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

StartApp = Callable[..., Awaitable[Quart]]


async def events(observer: Observer, account_id: str) -> list[str]:
    rows = await observer.fetch(
        "select event from audit where account_id = $1 order by id", account_id
    )
    return [row["event"] for row in rows]


async def request(client: Client, method: str, path: str, **body: Any) -> None:
    await client.open(f"{API}{path}", method=method, json=body or None)


async def test_every_change_of_an_account_is_recorded(app: Quart, observer: Observer) -> None:
    """Registration, logins, failures, log outs, passwords, addresses, tokens and the end."""
    client = app.test_client()
    user = (await register(client))["user"]
    account_id, name = user["id"], user["username"]
    await request(client, "POST", "/session", username=name, password="wrong")
    await request(client, "DELETE", "/session")
    await log_in(client, name)
    await log_in(app.test_client(), name)
    logins = (await get(client, "/account/sessions"))["sessions"]
    (other,) = (login["id"] for login in logins if not login["current"])
    await request(client, "DELETE", f"/account/sessions/{other}")
    await request(client, "DELETE", "/account/sessions")
    await make_token(client)
    (token,) = (await get(client, "/account/tokens"))["tokens"]
    await request(client, "DELETE", f"/account/tokens/{token['id']}")
    await request(client, "PATCH", "/account", email="wrong@example.com", current_password="wrong")
    email = f"{name}@example.net"
    await request(client, "PATCH", "/account", email=email, current_password=PASSWORD)
    changed = "a brand new secret of mine"
    await request(
        client, "PUT", "/account/password", current_password=PASSWORD, new_password=changed
    )
    await request(client, "DELETE", "/account", current_password=changed)
    assert await events(observer, account_id) == [
        "registered",
        "login_failed",
        "logged_out",
        "logged_in",
        "logged_in",
        "login_ended",
        "other_logins_ended",
        "token_made",
        "token_ended",
        "password_refused",
        "email_changed",
        "password_changed",
        "account_deleted",
    ]


async def test_what_an_operator_does_is_recorded(app: Quart, observer: Observer) -> None:
    """Accounts made, changed, logged out and disabled from the command line leave a trace."""
    hasher, name = app.extensions["locker"].get(Hasher), new_name()
    account = await accounts.create_account(observer, name, f"{name}@example.com", PASSWORD, hasher)
    await accounts.set_password(observer, account.id, "another fine password", hasher)
    await accounts.revoke_all_logins(observer, account.id, COMMAND_LINE)
    await accounts.disable(observer, account.id, COMMAND_LINE)
    assert await events(observer, str(account.id)) == [
        "registered",
        "password_changed",
        "all_logins_ended",
        "account_disabled",
    ]


async def test_record_says_from_where(app: Quart, observer: Observer) -> None:
    """A row has address, device and the request's id, and names the login it is about."""
    client = app.test_client()
    user = (await register(client))["user"]
    await client.delete(
        f"{API}/session", headers={"User-Agent": "Phone/1", "X-Request-Id": "request-1"}
    )
    rows = await observer.fetch(
        "select login_id, ip, user_agent, request_id from audit where account_id = $1 order by id",
        user["id"],
    )
    assert rows[0]["login_id"] == rows[1]["login_id"] is not None
    assert rows[1]["ip"]
    assert (rows[1]["user_agent"], rows[1]["request_id"]) == ("Phone/1", "request-1")


async def test_throttling_is_recorded_once_a_window(
    start_app: StartApp, observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    """A flood of refused attempts leaves one row and a log line each, so it fills no disk."""
    caplog.set_level(logging.INFO, "service.audit")
    app = await start_app(throttle_account=Limit(1, 60))
    user = (await register(app.test_client()))["user"]
    # From elsewhere: a device that the account knows has a count of its own.
    stranger = app.test_client()
    for _ in range(4):
        await request(stranger, "POST", "/session", username=user["username"], password="wrong")
    assert await events(observer, user["id"]) == ["registered", "login_failed", "throttled"]
    assert [record.message for record in caplog.records].count("throttled") == 3


async def test_no_secret_is_recorded(
    app: Quart, observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    """The audit has no password and no token, nor a password typed where the name belongs."""
    caplog.set_level(logging.DEBUG)
    client = app.test_client()
    name = (await register(client))["user"]["username"]
    mistyped = "my password in the wrong field"
    await request(client, "POST", "/session", username=mistyped, password=PASSWORD)
    await request(client, "POST", "/session", username=name, password="not quite my password")
    made = await make_token(client)
    token = made["token"]
    async with client.session_transaction() as session:
        login = session["login"]
    rows = str(await observer.fetch("select audit::text from audit"))
    lines = "\n".join(str(vars(record)) for record in caplog.records)
    for secret in (PASSWORD, mistyped, "not quite my password", token, login):
        assert secret not in rows
        assert secret not in lines


@pytest.mark.parametrize("production", [True, False])
async def test_nothing_a_client_sends_forges_a_line(
    settings: Settings, *, production: bool
) -> None:
    """Line breaks, quotes and control characters stay inside the value they came in."""
    forged = '{"event": "logged_in", "account_id": "root"}'
    environment = "production" if production else "development"
    with serve(
        settings, environment=environment, secure_cookies=production, program="locker"
    ) as served:
        async with httpx.AsyncClient(base_url=served.url) as client:
            await client.get(f"{API}/products/%0A{forged}%0A%1B[2K%E2%80%A8%C2%85".replace(" ", ""))
            await client.post(
                f"{API}/session",
                json={"username": f"x\n{forged}\r\n\u2028\u0085", "password": f"x\n{forged}"},
                headers={"User-Agent": f"x{forged}", "X-Request-Id": f"x {forged}"},
            )
            await client.post(
                f"{API}/session",
                json={"username": "x", "password": "x"},
                headers={b"User-Agent": b"x\t\xe9\x85\xad"},
            )
        served.stop()
        lines = served.log().splitlines()
    assert not [line for line in lines if line.strip().startswith(forged)]
    assert not [line for line in lines if "\x1b[2K" in line or "\u2028" in line]
    if production:
        logged = [json.loads(line) for line in lines]
        assert [line["event"] for line in logged].count("login_failed") == 2
        assert "logged_in" not in [line["event"] for line in logged]


def test_log_line_names_what_happened(caplog: pytest.LogCaptureFixture) -> None:
    """A line of the log has the kind of event as its message, and the rest as values."""
    caplog.set_level(logging.INFO, "service.audit")
    log(Event("logged_out", now(), Source("192.0.2.1", "Phone/1", "r1")))
    (record,) = caplog.records
    assert record.message == "logged_out"
    assert vars(record)["ip"] == "192.0.2.1"
