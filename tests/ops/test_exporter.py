"""Where `/metrics` is, and where `/docs`."""

from __future__ import annotations

import dataclasses
import select
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Literal

import httpx
import pytest
from quart import Quart

from service import create_app
from service.errors import SettingsError
from service.ops.exporter import MOST_SCRAPERS
from service.settings import Settings
from tests.support.keys import KEY
from tests.support.serving import serve

StartApp = Callable[..., Awaitable[Quart]]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_off_in_production() -> None:
    """Metrics and documents are for those who run it, and there if they say so."""
    settings = Settings(database_url="postgresql:", secret_key=KEY, allowed_hosts=("localhost",))
    assert (settings.metrics, settings.docs) == ("off", False)


@pytest.mark.parametrize("path", ["/metrics", "/docs", "/openapi.json"])
async def test_off(start_app: StartApp, path: str) -> None:
    """Without metrics their paths are like any other that isn't there; no page links to them."""
    client = (await start_app(metrics="off", docs=False)).test_client()
    assert (await client.get(path)).status_code == 404
    assert "/docs" not in await (await client.get("/")).get_data(as_text=True)


@pytest.mark.parametrize("program", ["hypercorn", "locker"])
def test_address_of_its_own(settings: Settings, program: Literal["hypercorn", "locker"]) -> None:
    """The service opens it, whoever hosts it, answers there any host, and closes it at the end."""
    bind = f"127.0.0.1:{free_port()}"
    with serve(settings, program=program, metrics=bind) as served:
        assert httpx.get(f"{served.url}/metrics").status_code == 404
        answer = httpx.get(f"http://{bind}/metrics", headers={"Host": "10.42.0.7:9090"})
        assert answer.status_code == 200
        assert "locker_request_seconds" in answer.text
        for path in ("/", "/livez", "/api/v1/products", "//metrics/x"):
            assert httpx.get(f"http://{bind}{path}").status_code == 404
        assert served.stop() == 0
        log = served.log()
    assert "Traceback" not in log
    assert bind not in log
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{bind}/metrics")


def test_few_connections(settings: Settings) -> None:
    """The metrics' port has a few connections of its own, and always answers."""
    port = free_port()
    with serve(settings, metrics=f"127.0.0.1:{port}"), ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            for _ in range(MOST_SCRAPERS + 1)
        ]
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 200
        closed, _, _ = select.select(silent, [], [], 10)
        assert closed


async def test_ipv6(start_app: StartApp) -> None:
    """The metrics' port may be on an IPv6 address."""
    bind = f"[::1]:{free_port()}"
    await start_app(metrics=bind)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{bind}/metrics")).status_code == 200


async def test_in_use(settings: Settings) -> None:
    """An address in use stops the start with a line that names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        app = create_app(dataclasses.replace(settings, metrics=bind))
        with pytest.raises(SettingsError, match=r"LOCKER_METRICS: can't listen on .*in use"):
            await app.startup()
        await app.shutdown()
