"""Bounds on guessing passwords, and on registering."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import asyncpg
import httpx
import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from service import clock
from service.settings import Limit, Settings
from service.throttling.model import networks
from tests.support.serving import serve
from tests.support.shopping import API, PASSWORD, log_in, new_name, register

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

StartApp = Callable[..., Awaitable[Quart]]
WRONG = "wrong, wrong, wrong"


async def try_password(
    client: Client, name: str, password: str = WRONG, ip: str | None = None
) -> Response:
    """Try to log in, as from another address if one is given."""
    headers = {"X-Forwarded-For": ip} if ip else {}
    response: Response = await client.post(
        f"{API}/session", json={"username": name, "password": password}, headers=headers
    )
    return response


async def statuses(client: Client, name: str, times: int, ip: str | None = None) -> list[int]:
    return [(await try_password(client, name, ip=ip)).status_code for _ in range(times)]


async def test_account_is_limited(start_app: StartApp) -> None:
    """After the allowed number of log ins, the right password gets 429 with a time too."""
    app = await start_app(throttle_account=Limit(3, 60))
    client, name = app.test_client(), (await register(app.test_client()))["user"]["username"]
    assert await statuses(client, name, 4) == [401, 401, 401, 429]
    response = await try_password(client, name, PASSWORD)
    assert response.status_code == 429
    assert (await response.get_json())["code"] == "too_many_attempts"
    assert 1 <= int(response.headers["Retry-After"]) <= 60


async def test_unknown_name_is_limited_alike(start_app: StartApp) -> None:
    """A name that nobody has is limited as one that somebody has."""
    app = await start_app(throttle_account=Limit(3, 60), trusted_proxies=1)
    client = app.test_client()
    name = (await register(client))["user"]["username"]
    known = await statuses(client, name, 5, "198.51.100.1")
    unknown = await statuses(client, new_name(), 5, "198.51.100.2")
    assert known == unknown == [401, 401, 401, 429, 429]


async def test_nobody_is_locked_out_for_good(
    start_app: StartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window ends on time, also when attempts were refused all through it."""
    app = await start_app(throttle_account=Limit(2, 60))
    client, name = app.test_client(), (await register(app.test_client()))["user"]["username"]
    start = datetime.now(UTC)
    for seconds in range(0, 60, 10):
        monkeypatch.setattr(clock, "now", lambda s=seconds: start + timedelta(seconds=s))
        await try_password(client, name)
    assert (await try_password(client, name, PASSWORD)).status_code == 429
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(seconds=61))
    await log_in(client, name)


async def test_success_is_taken_back(start_app: StartApp) -> None:
    """Logging in any number of times locks nobody out, and gives a guesser no more guesses."""
    client = (
        await start_app(throttle_account=Limit(3, 60), throttle_address=Limit(3, 60))
    ).test_client()
    name = (await register(client))["user"]["username"]
    for _ in range(5):
        await log_in(client, name)
    assert await statuses(client, name, 2) == [401, 401]
    await log_in(client, name)
    assert await statuses(client, name, 2) == [401, 429]


async def test_address_is_limited_over_all_names(start_app: StartApp) -> None:
    """One address can't try one password on many accounts; another address isn't affected."""
    app = await start_app(throttle_address=Limit(3, 60), trusted_proxies=1)
    client = app.test_client()
    tried = [(await statuses(client, new_name(), 1, "198.51.100.20"))[0] for _ in range(5)]
    assert tried == [401, 401, 401, 429, 429]
    assert await statuses(client, new_name(), 1, "198.51.100.21") == [401]


async def test_refused_address_does_not_use_up_an_account(start_app: StartApp) -> None:
    """Whoever is over the limit of their address can't lock others out by going on."""
    app = await start_app(
        throttle_account=Limit(3, 60), throttle_address=Limit(1, 60), trusted_proxies=1
    )
    client, name = app.test_client(), new_name()
    assert await statuses(client, name, 5, "198.51.100.30") == [401, 429, 429, 429, 429]
    assert await statuses(client, name, 1, "198.51.100.31") == [401]


async def test_all_together_are_limited(start_app: StartApp, observer: Observer) -> None:
    """Many addresses on many accounts are bounded overall."""
    await observer.execute("delete from attempts")
    app = await start_app(throttle_total=Limit(4, 60), trusted_proxies=1)
    client = app.test_client()
    tried = [
        (await statuses(client, new_name(), 1, f"198.51.100.{100 + number}"))[0]
        for number in range(6)
    ]
    assert tried == [401] * 4 + [429] * 2


async def test_registration_is_limited(start_app: StartApp) -> None:
    """Registering from one address is bounded, whether it succeeds or tells of taken names."""
    client = (await start_app(throttle_address=Limit(3, 3_600), trusted_proxies=1)).test_client()
    taken = (await register(client))["user"]["username"]
    answers = []
    for name in (taken, new_name(), taken, new_name()):
        response = await client.post(
            f"{API}/account",
            json={"username": name, "email": f"{name}@example.org", "password": PASSWORD},
            headers={"X-Forwarded-For": "198.51.100.40"},
        )
        answers.append(response.status_code)
    assert answers == [409, 201, 409, 429]


async def test_current_password_is_limited(start_app: StartApp) -> None:
    """An open browser is no place to guess the password of its account."""
    client = (await start_app(throttle_account=Limit(2, 60))).test_client()
    await register(client)
    answers = []
    for password in (WRONG, WRONG, PASSWORD):
        response = await client.patch(
            f"{API}/account", json={"email": "x@example.com", "current_password": password}
        )
        answers.append(response.status_code)
    assert answers == [403, 403, 429]


async def test_limits_can_be_lifted(start_app: StartApp, observer: Observer) -> None:
    """With every limit off nothing is refused, nor counted."""
    off = Limit(0, 0)
    app = await start_app(throttle_account=off, throttle_address=off, throttle_total=off)
    client, name = app.test_client(), new_name()
    before = await observer.fetchval("select count(*) from attempts")
    assert await statuses(client, name, 15) == [401] * 15
    assert await observer.fetchval("select count(*) from attempts") <= before


async def test_counts_of_the_past_are_removed(
    start_app: StartApp, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows that have ended make room, so names nobody has can't fill the disk."""
    await observer.execute("delete from attempts")
    client = (await start_app(throttle_account=Limit(3, 1))).test_client()
    for _ in range(6):
        await try_password(client, new_name())
    later = datetime.now(UTC) + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    for _ in range(2):
        await try_password(client, new_name())
    assert await observer.fetchval("select count(*) from attempts") == 2


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", 3),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 2),
        ("2001:db8:1:2::1", "2001:db8:1:ff02::1", 1),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", 0),
        ("192.0.2.1", "192.0.2.2", 0),
        ("192.0.2.1", "::ffff:192.0.2.1", 1),
        ("", "<local>", 0),
    ],
)
def test_ipv6_networks_count_as_one_address(one: str, other: str, shared: int) -> None:
    """Nobody gets a fresh count by taking another address of their own network."""
    assert len(networks(one).keys() & networks(other).keys()) == shared


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("2001:db8:77:1:{:x}::1", 2),
        ("2001:db8:78:{:x}::1", 8),
        ("2001:db8:79:{:x}00::1", 32),
        ("2001:db8:{:x}::1", 40),
    ],
)
async def test_larger_networks_have_larger_limits(
    start_app: StartApp, observer: Observer, address: str, allowed: int
) -> None:
    """A /56 may four times what a /64 may, a /48 sixteen times; beyond that they are strangers."""
    await observer.execute("delete from attempts")
    app = await start_app(throttle_address=Limit(2, 600), trusted_proxies=1)
    client = app.test_client(use_cookies=False)
    tried = [(await statuses(client, new_name(), 1, address.format(n)))[0] for n in range(40)]
    assert tried == [401] * allowed + [429] * (40 - allowed)


async def test_200_wrong_passwords_at_once_over_two_processes(
    settings: Settings, database_url: str, observer: Observer
) -> None:
    """Exactly the allowed number are checked; each other attempt is refused unchecked."""
    name, allowed = new_name(), 10
    with (
        serve(settings, throttle_account=Limit(allowed, 600), hash_queue=1_000) as one,
        serve(settings, throttle_account=Limit(allowed, 600), hash_queue=1_000) as two,
    ):
        async with httpx.AsyncClient(timeout=30) as owner, httpx.AsyncClient(timeout=30) as client:
            response = await owner.post(
                f"{one.url}{API}/account",
                json={"username": name, "email": f"{name}@example.com", "password": PASSWORD},
            )
            account_id = response.json()["user"]["id"]
            body = {"username": name, "password": WRONG}
            responses = await asyncio.gather(
                *(
                    client.post(f"{(one, two)[number % 2].url}{API}/session", json=body)
                    for number in range(200)
                )
            )
    answers = [response.status_code for response in responses]
    assert (answers.count(401), answers.count(429)) == (allowed, 200 - allowed)
    recorded = await observer.fetch(
        "select event, count(*)::int as times from audit where account_id = $1 group by event",
        account_id,
    )
    assert {row["event"]: row["times"] for row in recorded} == {
        "registered": 1,
        "login_failed": allowed,
        "throttled": 1,
    }
