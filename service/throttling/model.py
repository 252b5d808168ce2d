"""What an attempt counts against. No I/O.

Each limit is a number of attempts in a window of time, which ends however many were refused in
it: nobody is locked out for good. Attempts that were no guesses are taken back.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from service.settings import Limit, Settings

Deed = Literal["login", "register", "password"]

NETWORK = 64
"""Bits of an IPv6 address that stand for its owner; the rest they choose freely (RFC 6177)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Keys with their limits, always in the order address, account, total.

    ``familiar`` are the keys for an address that the account has been used from. It has a
    count of its own there, so whoever guesses from elsewhere can't keep its owner out.
    """

    keys: list[bytes]
    familiar: list[bytes]
    counts: list[int]
    seconds: list[int]
    total: bytes

    def forgivable(self, keys: list[bytes]) -> list[bytes]:
        """Return those of the keys from which a right guess is taken back.

        Not the total, whose one row everybody would wait for until the commit.
        """
        return [key for key in keys if key != self.total]


class Throttle:
    """The limits of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.throttle_address
        self._account = settings.throttle_account
        self._total = settings.throttle_total

    def attempt(self, deed: Deed, account: str, ip: str) -> Attempt:
        """Return what this attempt counts against.

        ``account`` is a name as `accounts.model.key` has it, whether or not somebody has it:
        an unknown one is limited alike.
        """
        address = network(ip)
        here = f"{deed} account {account}"
        limited: list[tuple[Limit, bytes, bytes]] = [
            (self._address, source := _digest(f"{deed} address {address}"), source),
            (self._account, _digest(here), _digest(f"{here} from {address}")),
            (self._total, total := _digest(f"{deed} total"), total),
        ]
        limited = [entry for entry in limited if entry[0]]
        return Attempt(
            keys=[key for _, key, _ in limited],
            familiar=[key for _, _, key in limited],
            counts=[limit.count for limit, _, _ in limited],
            seconds=[limit.seconds for limit, _, _ in limited],
            total=total,
        )


def network(ip: str) -> str:
    """Return what stands for an address: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), NETWORK), strict=False))
    return str(address)


def _digest(text: str) -> bytes:
    # Of one length, whatever was typed, and not readable in the table.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
