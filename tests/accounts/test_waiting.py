"""The line before the hasher: nobody fills it, and the known come first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeAlias

import asyncpg
import pytest
from quart import Quart

from service.accounts import Hasher, passwords
from service.accounts.waiting import A_FEW, Holder, WaitingLine
from service.errors import TooManyAttempts
from service.settings import Limit
from tests.support.shopping import API, PASSWORD, new_name, register
from tests.throttling.test_throttling import WRONG, try_password

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

StartApp = Callable[..., Awaitable[Quart]]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse at once whom there is no place for."""
    monkeypatch.setattr(passwords, "PATIENCE", 0)


def fill(line: WaitingLine, stack: ExitStack, *holders: Holder) -> int:
    """Let each holder take places until there is none left for it; returns how many they took."""
    taken = 0
    for holder in holders:
        while line.has_place(holder):
            stack.enter_context(line.place(holder))
            taken += 1
    return taken


@pytest.mark.parametrize("places", [1, 3, 4, 32, 64])
def test_a_network_holds_a_share(places: int) -> None:
    """A quarter of the places, and one at least; what it gives back can be taken again."""
    line, network = WaitingLine(places), Holder("2001:db8::/48")
    for _ in range(2):
        with ExitStack() as stack:
            assert fill(line, stack, network) == max(places // 4, 1)


def test_strangers_leave_room_for_the_known() -> None:
    """However many networks wait for the hasher, a quarter of the places is for known devices."""
    line = WaitingLine(32)
    with ExitStack() as stack:
        strangers = [Holder(f"203.0.113.{number}") for number in range(100)]
        assert fill(line, stack, *strangers) == 24
        assert fill(line, stack, Holder("ada", known=True)) == A_FEW
        assert fill(line, stack, *(Holder(f"{n}", known=True) for n in range(9))) == 4


def test_no_places_is_nobody() -> None:
    """With `LOCKER_HASH_QUEUE` at 0 nobody waits for the hasher."""
    assert not WaitingLine(0).has_place(Holder("ada", known=True))


async def test_known_come_first() -> None:
    """Whoever is known waits for the hash that is under way, and for no stranger's."""
    line, order = WaitingLine(64), []

    async def take(name: str, *, known: bool) -> None:
        await line.turn(known=known)
        order.append(name)

    await line.turn(known=False)
    waiting = [
        asyncio.create_task(take(name, known=name.isupper())) for name in ("a", "b", "C", "d", "E")
    ]
    await asyncio.sleep(0)
    for _ in waiting:
        line.pass_on()
        await asyncio.sleep(0)
    assert order == ["C", "E", "a", "b", "d"]


@pytest.mark.parametrize("passed_on", [False, True])
async def test_whoever_leaves_keeps_nobody_waiting(*, passed_on: bool) -> None:
    """A request that is cancelled while it waits, or just as its turn comes, lets the next one."""
    line, done = WaitingLine(64), []

    async def take(number: int) -> None:
        await line.turn(known=False)
        done.append(number)
        line.pass_on()

    await line.turn(known=False)
    gone, *waiting = (asyncio.create_task(take(number)) for number in range(4))
    await asyncio.sleep(0)
    if passed_on:
        line.pass_on()
    gone.cancel()
    if not passed_on:
        line.pass_on()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert done == [1, 2, 3]
    await asyncio.wait_for(line.turn(known=False), 5)


async def test_attempt_without_a_place_is_not_counted(
    start_app: StartApp, observer: Observer
) -> None:
    """Whoever was told `busy` has all their attempts yet: of address, account and total."""
    await observer.execute("delete from attempts")
    limits = {f"throttle_{each}": Limit(2, 600) for each in ("account", "address", "total")}
    app = await start_app(**limits, hash_queue=4, trusted_proxies=1)
    name = (await register(app.test_client()))["user"]["username"]
    await observer.execute("delete from attempts")
    line = app.extensions["locker"].get(Hasher).line
    with line.place(Holder("198.51.100.0")):
        for _ in range(5):
            answer = await try_password(app.test_client(), name, WRONG, "198.51.100.0")
            assert answer.status_code == 503
            assert (await answer.get_json())["code"] == "busy"
            assert answer.headers["Retry-After"]
    assert await observer.fetchval("select count(*) from attempts") == 0
    answer = await try_password(app.test_client(), name, PASSWORD, "198.51.100.0")
    assert answer.status_code == 200


async def test_ipv6_customer_holds_a_share(start_app: StartApp) -> None:
    """All addresses of a /48 together; the owner's phone and other networks have room meanwhile.

    Logging in, registering, and what asks for the password again.
    """
    app = await start_app(hash_queue=8, trusted_proxies=1)
    phone = app.test_client()
    name = (await register(phone))["user"]["username"]
    line = app.extensions["locker"].get(Hasher).line
    with ExitStack() as stack:
        assert fill(line, stack, Holder("2001:db8:5::/48")) == 2
        for number in (1, 256, 65_535):
            stranger, ip = app.test_client(), f"2001:db8:5:{number:x}::1"
            assert (await try_password(stranger, name, PASSWORD, ip)).status_code == 503
            body = {"username": (new := new_name()), "email": f"{new}@e.example"}
            answer = await stranger.post(
                f"{API}/account",
                json={**body, "password": PASSWORD},
                headers={"X-Forwarded-For": ip},
            )
            assert answer.status_code == 503
            assert (await try_password(phone, name, PASSWORD, ip)).status_code == 200
        elsewhere = await try_password(app.test_client(), name, PASSWORD, "2001:db8:6::1")
        assert elsewhere.status_code == 200
        answer = await phone.put(
            f"{API}/account/password",
            json={"current_password": PASSWORD, "new_password": PASSWORD},
        )
        assert answer.status_code == 204


async def test_a_throttled_flood_of_one_network_is_kept_waiting(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many refused at once from one network wait, which a single one that is refused doesn't."""
    hasher, waited = app.extensions["locker"].get(Hasher), list[Holder]()
    alone, crowd = Holder("198.51.100.1"), Holder("2001:db8:1::/48")

    async def attempt(holder: Holder, together: asyncio.Barrier) -> None:
        async with hasher.place(holder):
            await together.wait()
            raise TooManyAttempts(retry_after=1)

    async def refuse(holder: Holder, together: asyncio.Barrier) -> None:
        async def note() -> None:
            waited.append(holder)

        monkeypatch.setattr(hasher, "_keep_waiting", note)
        with pytest.raises(TooManyAttempts):
            await attempt(holder, together)

    async with app.app_context():
        await refuse(alone, asyncio.Barrier(1))
        assert waited == []
        many = A_FEW + 1
        together = asyncio.Barrier(many)
        async with asyncio.TaskGroup() as group:
            for _ in range(many):
                group.create_task(refuse(crowd, together))
    assert crowd in waited
