"""All that the shop keeps of an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.accounts import KnownAccount
from service.audit import StoredEvent
from service.carts import KeptLine
from service.logins import KnownDevice, Login, Token
from service.orders import Order
from service.preferences import KeptChoices

MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Export:
    """An account as it was at a moment: all orders, the last `MOST_EVENTS` events.

    Passwords, tokens and cookies are nowhere kept as they are, so they aren't in it.
    """

    at: datetime
    known: KnownAccount
    kept: KeptChoices
    lines: list[KeptLine]
    orders: list[Order]
    logins: list[Login]
    tokens: list[Token]
    devices: list[KnownDevice]
    events: list[StoredEvent]
