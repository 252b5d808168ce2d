"""What an attempt counts against. No I/O.

Each limit is a number of attempts in a window of time, which ends however many were refused in
it: nobody is locked out for good. Attempts that were no guesses are taken back.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from service.settings import Limit, Settings

LARGEST = 2_000_000_000
"""The largest count: its column has 32 bits."""

LimitedAction = Literal["login", "register", "password", "cart", "order"]

NETWORKS = {64: 1, 56: 4, 48: 16}
"""Bits of an IPv6 address that may stand for one customer (RFC 6177), and how many times the limit
of an address such a network has. Without this the owner of a /48 could make 65,536 attempts for
each that a /64 may."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Keys with their limits, always in the order networks (the smallest first), account, total.

    With ``device`` there is one key more at the end, the count of a known device. It is for when
    strangers have used up another key's limit.
    """

    keys: list[bytes]
    counts: list[int]
    seconds: list[int]
    total: bytes
    device: bool
    action: LimitedAction

    @classmethod
    def of(
        cls,
        action: LimitedAction,
        limited: list[tuple[Limit, bytes]],
        total: bytes = b"",
        *,
        device: bool = False,
    ) -> Self:
        """Return the attempt that counts against these keys."""
        return cls(
            keys=[key for _, key in limited],
            counts=[limit.count for limit, _ in limited],
            seconds=[limit.seconds for limit, _ in limited],
            total=total,
            device=device,
            action=action,
        )

    @property
    def limits(self) -> int:
        """How many of the keys are limits, the count of the device left out."""
        return len(self.keys) - self.device

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `queries.throttle_cte`, but for the time."""
        return {
            "attempt_keys": self.keys,
            "attempt_counts": self.counts,
            "attempt_seconds": self.seconds,
        }

    def refundable(self, keys: list[bytes]) -> list[bytes]:
        """Return those of the keys from which a right guess is taken back.

        The total is left out: its one row would be locked until the commit, and everybody would
        wait for it.
        """
        return [key for key in keys if key != self.total]


class Throttle:
    """The limits of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.throttle_address
        self._account = settings.throttle_account
        self._total = settings.throttle_total
        self._carts = settings.throttle_carts
        self._orders = settings.throttle_orders

    def attempt(
        self, action: LimitedAction, account: str, ip: str, device: bytes | None = None
    ) -> Attempt:
        """Return what this attempt counts against.

        ``account`` is a name as `accounts.model.key` has it, whether or not somebody has it:
        an unknown one is limited alike. ``device`` is the hash of the token of the device.
        """
        total = _digest(f"{action} total")
        limited = [
            *_by_network(action, self._address, ip),
            (self._account, _digest(f"{action} account {account}")),
            (self._total, total),
        ]
        limited = [(limit, key) for limit, key in limited if limit.count]
        if device and limited:
            limit = self._account or self._address or self._total
            limited.append((limit, _digest(f"{action} device {device.hex()}")))
        return Attempt.of(action, limited, total, device=bool(device and limited))

    def new_cart(self, ip: str) -> Attempt | None:
        """Return what a guest's new cart counts against, None where that is not limited."""
        return Attempt.of("cart", _by_network("cart", self._carts, ip)) if self._carts else None

    def new_order(self, ip: str) -> Attempt | None:
        """Return what a guest's order counts against, None where that is not limited."""
        return Attempt.of("order", _by_network("order", self._orders, ip)) if self._orders else None


def _by_network(action: LimitedAction, limit: Limit, ip: str) -> list[tuple[Limit, bytes]]:
    return [
        (
            replace(limit, count=min(limit.count * times, LARGEST)),
            _digest(f"{action} address {network}"),
        )
        for network, times in networks(ip).items()
    ]


def networks(ip: str) -> dict[str, int]:
    """Return what stands for an address, the smallest first, and by how much its limit grows.

    That is an IPv4 address itself, or the networks of an IPv6 one.
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return {ip: 1}
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return {str(address.ipv4_mapped): 1}
        return {
            str(ipaddress.ip_network((int(address), bits), strict=False)): times
            for bits, times in NETWORKS.items()
        }
    return {str(address): 1}


def network(ip: str) -> str:
    """Return the largest network that stands for an address."""
    return [*networks(ip)][-1]


def _digest(text: str) -> bytes:
    # A digest has one length whatever was typed, and the table doesn't show what that was.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
