"""Webhooks reach the internet, and what is private only where that is allowed."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service import clock
from service.settings import Settings
from service.webhooks.networks import is_public
from service.webhooks.sending import Sender

SECRET = "whsec_" + "AAAA" * 8

PRIVATE = """
    127.0.0.1 127.255.255.254 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
    100.64.0.1 192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.7 224.0.0.1 240.0.0.1
    255.255.255.255 192.88.99.1 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:169.254.169.254
    ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 2001::1 2002:7f00:1:: 2001:db8::1
    fc00::1 fd12::1 fe80::1 fe80::1%eth0 2606:4700::1%1 fec0::1 ff02::1 100::1 5f00::1 nonsense
"""
PUBLIC = "93.184.215.14 1.1.1.1 2606:4700:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101"


def test_addresses_are_told_apart() -> None:
    """Nothing private counts as public, however it is written, and what is public does."""
    assert [each for each in PRIVATE.split() if is_public(each)] == []
    assert [each for each in PUBLIC.split() if not is_public(each)] == []


class Reached:
    """A server on this machine that notes each connection, and redirects."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        place = f"http://localhost:{self.port}/elsewhere"
        writer.write(f"HTTP/1.1 307 Go\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def reached() -> AsyncIterator[Reached]:
    found = Reached()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


async def send(settings: Settings, url: str) -> str:
    async with Sender(settings) as sender:
        return (await sender.send(url, "evt_1", b"{}", [SECRET], clock.now())).error


async def test_nothing_private_is_reached(settings: Settings, reached: Reached) -> None:
    """Not by an address in any spelling, nor by a name; and no redirect is followed."""
    guarded = dataclasses.replace(settings, webhook_private=False, webhook_http=True)
    hosts = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]")
    for host in hosts:
        assert "private" in await send(guarded, f"http://{host}:{reached.port}/"), host
    assert "https" in await send(
        dataclasses.replace(guarded, webhook_http=False), f"http://1.1.1.1:{reached.port}/"
    )
    assert reached.connections == 0
    allowed = dataclasses.replace(guarded, webhook_private=True)
    assert await send(allowed, f"http://127.0.0.1:{reached.port}/") == "answered 307"
    assert reached.connections == 1


async def test_a_name_is_asked_once(
    settings: Settings, reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when judged and private when asked again gains nothing.

    Nor does one that is both at once. The connection goes to the address that was judged.
    """
    answers = [["203.0.114.7"], ["127.0.0.1"], ["203.0.114.7", "127.0.0.1"]]
    asked: list[str] = []
    connected: list[str] = []

    async def resolve(_: object, host: str, *rest: Any, **more: Any) -> list[Any]:
        if not host[0].isdigit():
            asked.append(host)
            addresses = answers.pop(0)
        else:
            addresses = [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in addresses]

    async def connect(_: object, __: object, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise OSError

    loop = type(asyncio.get_running_loop())
    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    monkeypatch.setattr(loop, "sock_connect", connect)
    guarded = dataclasses.replace(settings, webhook_private=False, webhook_http=True)
    url = f"http://rebinding.example:{reached.port}/"
    assert await send(guarded, url) == "no connection"
    assert asked == ["rebinding.example"]
    assert connected == ["203.0.114.7"]
    for _ in range(2):
        assert "private" in await send(guarded, url)
    assert connected == ["203.0.114.7"]
    assert reached.connections == 0
