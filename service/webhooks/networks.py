"""Where webhooks may go: to the internet, and into private networks only where that is allowed.

A name is resolved once, all of its addresses are judged, and the connection goes to one of them.
Nobody asks again in between, so a name that resolves differently the next time gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore

NAT64 = IPv6Network("64:ff9b::/96")
"""Each stands for an IPv4 address, in its last 32 bits (RFC 6052)."""
NEVER = (
    IPv4Network("192.88.99.0/24"),  # 6to4's relays
    IPv4Network("192.0.0.0/24"),  # IETF protocols' own
    IPv4Network("100.64.0.0/10"),  # within providers (RFC 6598)
    IPv6Network("::/96"),  # IPv4-compatible, and ::1
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a network's own (RFC 8215)
    IPv6Network("2001::/23"),  # Teredo and other protocols' own
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("5f00::/16"),  # segment routing
    IPv6Network("fec0::/10"),  # site-local, as it once was
)
"""Private or a way into what is, whatever this version of `ipaddress` holds of it."""

SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class AddressRefused(httpcore.ConnectError):
    """A webhook's name leads to where it may not go."""


def is_public(text: str) -> bool:
    """Return whether an address is one of the internet's; an IPv6 zone is never."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return False
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif address in NAT64:
            address = IPv4Address(address.packed[-4:])
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in NEVER)
    )


class GuardedNetwork(httpcore.AnyIOBackend):
    """Connects to the very address that it judged."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await resolve(host, port)
        if not self._private and not all(map(is_public, addresses)):
            # One that is public beside it doesn't make it better.
            raise AddressRefused("leads to a private network")
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                return await super().connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("has no address")


async def resolve(host: str, port: int) -> list[str]:
    """Return a name's addresses; raises `httpcore.ConnectError`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("the name is not known") from None
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
