"""The example of the two lockers, and the promises that it must keep as the shop does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from typing import Any

import asyncpg
import httpx
import pytest

from tests.examples.conftest import Start, serve
from tests.support.keys import KEY
from tests.support.leaving import Http1, Http2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

APP = serve("app:app")
OTHER = "another key, as long as one has to be"
ADDS = 1_000
LEAVING = 3_000
CONNECTIONS = 5
"""As Hypercorn says goodbye after 1,000 requests on one connection."""
AT_ONCE = 8


def test_nothing_of_the_shop_is_there(environment: Callable[[str], Path]) -> None:
    """Its environment has the package, and neither the shop nor what the shop alone needs."""
    for name, there in (("quart_locker", True), ("service", False), ("msgspec", False)):
        found = run([environment("two-lockers") / "python", "-c", f"import {name}"], check=False)
        assert (found.returncode == 0) is there, name


def test_the_two_lockers(start: Start) -> None:
    """`g` is empty at each visit; the session is there at the next one, section by section."""
    with start("two-lockers", *APP) as url, httpx.Client(base_url=url) as browser:
        first = browser.get("/")
        assert first.headers["Server-Timing"].startswith("visit;dur=")
        assert first.json() == {"g": ["entered"], "session": {}, "cart": {}}
        assert browser.post("/cart/mug").json() == {"mug": 1}
        assert browser.post("/cart/mug").json() == {"mug": 2}
        assert browser.post("/preferences/theme/dark").json() == {"theme": "dark"}
        sent = browser.post("/login", data={"username": "ada"})
        assert [each.split("=")[0] for each in sent.headers.get_list("Set-Cookie")] == ["session"]
        found = browser.get("/").json()
        assert found["g"] == ["_db_visit", "db", "entered"]
        assert found["cart"] == {"mug": 2}
        assert found["session"]["username"] == "ada"
        assert found["session"]["preferences"] == {"theme": "dark"}
        assert set(browser.cookies) == {"session", "session-cart", "session-preferences"}
        browser.post("/logout")
        assert set(browser.cookies) == {"session-cart", "session-preferences"}
        with httpx.Client(base_url=url) as other:
            assert other.get("/").json()["session"] == {}


def test_a_key_is_changed(start: Start) -> None:
    """With a new key and the old one beside it everything stays, and then it goes without."""
    with httpx.Client() as browser:
        with start("two-lockers", *APP) as url:
            for path in ("/cart/mug", "/preferences/theme/dark"):
                browser.post(url + path)
            browser.post(f"{url}/login", data={"username": "ada"})
            kept = browser.get(url).json()["session"]
            older = dict(browser.cookies)
        with start("two-lockers", *APP, SECRET_KEY=OTHER, OLD_KEYS=KEY) as url:
            answer = browser.get(url)
            assert answer.json()["session"] == kept
            assert len(answer.headers.get_list("Set-Cookie")) == 3
            assert not browser.get(url).headers.get_list("Set-Cookie")
        with start("two-lockers", *APP, SECRET_KEY=OTHER) as url:
            assert browser.get(url).json()["session"] == kept
            assert httpx.get(url, cookies=older).json()["session"] == {}


async def test_a_thousand_at_once_from_one_jar(start: Start) -> None:
    """1,000 at once, answered in any order: no add, no login and no preference is undone."""
    with start("two-lockers", *APP) as url:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
            jar: dict[str, str] = {}

            async def send(path: str, method: str = "POST", **form: Any) -> httpx.Response:
                cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
                client.cookies.clear()
                answer = await client.request(method, path, headers={"Cookie": cookies}, **form)
                assert answer.status_code == 200
                return answer

            def take(answer: httpx.Response) -> None:
                jar.update(answer.cookies)

            take(await send("/cart/mug"))
            paths: list[tuple[str, dict[str, Any]]] = [("/cart/mug", {})] * (ADDS - 2)
            paths += [("/preferences/theme/dark", {}), ("/login", {"data": {"username": "ada"}})]
            random.Random(1).shuffle(paths)
            answers = await asyncio.gather(*(send(path, **form) for path, form in paths))
            random.Random(2).shuffle(answers)
            for answer in answers:
                take(answer)
            found = (await send("/", "GET")).json()
            assert found["cart"] == {"mug": ADDS - 1}
            assert found["session"]["username"] == "ada"
            assert found["session"]["preferences"] == {"theme": "dark"}


@pytest.mark.parametrize("version", [1, 2])
async def test_three_thousand_that_leave(start: Start, fresh_url: str, version: int) -> None:
    """3,000 clients that hang up at random moments leak no connection and fail no neighbour."""
    with start("two-lockers", *APP) as url:
        port = httpx.URL(url).port
        assert port
        for number in range(CONNECTIONS):
            if version == 1:
                assert await leave(Http1(port), number) == {200}
            else:
                async with await Http2.open(port) as connection:
                    assert await leave(connection, number) == {200}
        # Each of the pool's ten is there to take, none is left in a transaction.
        answers = await asyncio.gather(*(asyncio.to_thread(httpx.get, url) for _ in range(20)))
        assert {each.status_code for each in answers} == {200}
        await _await_idle(fresh_url)


async def _await_idle(database_url: str) -> None:
    """Wait until the server's sessions are the pool's, and idle; fails if they never are.

    A connection that was thrown away has a session until the server has seen its end.
    """
    observer = await asyncpg.connect(database_url)
    async with asyncio.timeout(10):
        while True:
            states = await observer.fetch(
                "select state from pg_stat_activity where application_name = 'app'"
            )
            if {each["state"] for each in states} == {"idle"} and len(states) <= 10:
                break
    await observer.close()


async def leave(connection: Http1 | Http2, seed: int) -> set[int]:
    """Have some leave, a few at a time; returns what those were answered who stay."""
    turns, chance, answers = iter(range(LEAVING // CONNECTIONS)), random.Random(seed), set()

    async def come_and_go() -> None:
        for turn in turns:
            await connection.leave(chance)
            if turn % 3 == 0:
                answers.add(await connection.get("/"))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(come_and_go())
    return answers
