"""`locker serve` starts with one line when it can't, and ends without dropping a request."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable

import asyncpg
import httpx

from service.settings import Settings
from tests.support.commands import Locker, development
from tests.support.serving import serve
from tests.support.shopping import API


def test_port_in_use(make_locker: Callable[..., Locker]) -> None:
    """`locker serve` says in one line that its port is in use."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        ended = make_locker(**development("postgresql:///x"), BIND=bind)("serve")
    assert (ended.status, ended.errors.count("\n")) == (1, 1)
    assert f"can't listen on {bind}: Address already in use" in ended.errors
    assert "LOCKER_BIND" in ended.errors


def test_bind_unusable(make_locker: Callable[..., Locker]) -> None:
    """`locker serve` says in one line that an address isn't this machine's, or isn't one."""
    for bind in ("203.0.113.1:80", "nowhere.invalid:80", "127.0.0.1:99999"):
        ended = make_locker(**development("postgresql:///x"), BIND=bind)("serve")
        assert (ended.status, ended.errors.count("\n")) == (1, 1)
        assert f"can't listen on {bind}: " in ended.errors


def test_cannot_start(make_locker: Callable[..., Locker]) -> None:
    """A start that needs the database fails without it, with a status that restarts it."""
    settings = development("postgresql://x@127.0.0.1:1/x") | {"BIND": "127.0.0.1:0"}
    ended = make_locker(**settings, POOL_MIN="1")("serve")
    assert (ended.status, ended.errors.count("\n")) == (1, 1)
    assert "the database can't be reached" in ended.errors


async def test_drains(settings: Settings) -> None:
    """Told to stop, it first says that it isn't ready, and goes on serving meanwhile."""
    with serve(settings, program="locker", drain_time=600.0) as served:
        async with httpx.AsyncClient(base_url=served.url) as client:
            assert (await client.get("/readyz")).status_code == 200
            served.process.send_signal(signal.SIGTERM)
            await until(lambda: is_draining(client))
            async with httpx.AsyncClient(base_url=served.url) as another:
                assert (await another.get(f"{API}/cart")).status_code == 200
        # A second signal: whoever sent it doesn't want to wait.
        assert served.stop() == 0


async def test_finishes_requests(
    settings: Settings, observer: asyncpg.Connection[asyncpg.Record]
) -> None:
    """A request under way when it is told to stop is answered."""
    with serve(settings, program="locker", drain_time=0.0, statement_timeout=30.0) as served:
        async with httpx.AsyncClient(base_url=served.url, timeout=30) as client:
            async with observer.transaction():
                await observer.execute("lock table products in access exclusive mode")
                asked = asyncio.create_task(client.get(f"{API}/products"))
                await until(
                    lambda: observer.fetchval(
                        "select exists (select from pg_locks where not granted)"
                    )
                )
                served.process.send_signal(signal.SIGTERM)
                # Nobody new is let in: that is how we know that it heard.
                await until(lambda: is_closed(served.port))
            assert (await asked).status_code == 200
        # A second signal, in its last moments, would be the end of it.
        assert served.await_end() == 0


async def test_warns_of_a_schema_and_a_name(settings: Settings, empty_url: str) -> None:
    """On a database that isn't migrated the service starts and warns; and of unknown settings."""
    variables = {"LOCKER_POOLMAX": "5"}
    with serve(settings, program="locker", database_url=empty_url, environ=variables) as served:
        log = served.log()
    assert "run: locker migrate" in log
    assert "LOCKER_POOLMAX is no setting; is it LOCKER_POOL_MAX?" in log


def test_warns_of_a_database_that_is_away(settings: Settings) -> None:
    """Without its database the service starts and warns; it serves as soon as there is one."""
    with serve(settings, program="locker", database_url="postgresql://x@127.0.0.1:1/x") as served:
        assert "the database can't be reached; until it can, /readyz fails" in served.log()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110 - it's another process's doing
        await asyncio.sleep(0.01)


async def is_draining(client: httpx.AsyncClient) -> bool:
    answer = await client.get("/readyz")
    return answer.status_code == 503 and "about to stop" in answer.json()["detail"]


async def is_closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
