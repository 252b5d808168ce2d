"""What other systems are told of. No I/O.

Events say what happened to what, and never to whom: they name orders, accounts and SKUs, no
person. So a receiver learns no more than it asks for, and nothing has to be taken back when an
account is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, get_args
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from service.errors import Conflict, Invalid, NotFound

OutboxKind = Literal[
    "order.placed",
    "order.fulfilled",
    "order.cancelled",
    "account.registered",
    "account.deleted",
    "cart.abandoned",
    "stock.low",
]


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """Something to tell; what is ``about`` the same thing is told in the order it happened in.

    ``data`` is what JSON can say, times and ids included.
    """

    kind: OutboxKind
    about: str
    at: datetime
    data: Mapping[str, Any]

    @property
    def subject(self) -> str:
        return f"{self.kind.partition('.')[0]}:{self.about}"

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `queries.event_cte`."""
        return {
            "told_kind": self.kind,
            "told_subject": self.subject,
            "told_at": self.at,
            "told_data": msgspec.json.encode(self.data).decode(),
        }


def message_body(kind: str, at: datetime, data: Any) -> bytes:
    """Return an event as it is sent (Standard Webhooks)."""
    return msgspec.json.encode({"type": kind, "timestamp": at, "data": data})


KINDS: tuple[OutboxKind, ...] = get_args(OutboxKind)
DeliveryState = Literal["pending", "delivered", "dead", "skipped"]

LONGEST_URL = 2000
MOST_COUNTED = 10_000
"""Of what waits for a webhook, where it is asked for again and again."""
LONGEST_NAME = 40


class WebhookExists(Conflict):
    code, title = "webhook_exists", "There is a webhook of this name"


class UnknownWebhook(NotFound):
    code, title = "unknown_webhook", "There is no such webhook"


class NoSuchDelivery(NotFound):
    code, title = "no_such_delivery", "There is nothing to be done about such an event"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events go; of these ``kinds``, or of all if it names none."""

    id: UUID
    name: str
    url: str
    kinds: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    pending: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for a webhook, and since when the oldest does, unless it is disabled.

    Each is counted to `MOST_COUNTED`.
    """

    webhook: str
    pending: int
    dead: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """What signs a webhook's messages, sealed; the old one does ``until`` then."""

    sealed: bytes
    old: bytes | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the secrets of a row that has their columns."""
        return cls(row["secret"], row["old_secret"], row["old_secret_until"])

    def at(self, now: datetime) -> tuple[bytes, ...]:
        """Return those that sign now, the new one first."""
        old = self.old if self.until and now < self.until else None
        return (self.sealed, old) if old else (self.sealed,)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker alone may try, until its claim expires."""

    event_id: int
    webhook_id: UUID
    webhook: str
    claim: UUID
    attempts: int
    key: UUID
    url: str
    secrets: WebhookSecrets
    body: bytes

    @property
    def message_id(self) -> str:
        return message_id(self.key)


@dataclass(frozen=True, slots=True)
class Attempted:
    """What came of an attempt: nothing in ``error`` means delivered."""

    http_status: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event and, where it goes to a webhook, how that stands."""

    id: int
    key: UUID
    kind: str
    subject: str
    at: datetime
    data: Any
    webhook: str | None = None
    state: str | None = None
    attempts: int = 0
    due_at: datetime | None = None
    http_status: int | None = None
    error: str = ""


def message_id(key: UUID) -> str:
    """Return what receivers know an event by; it is the same in every repeat."""
    return f"evt_{key.hex}"


def read_message_id(text: str) -> UUID:
    """Return the key of an event; raises `NoSuchDelivery` for what is none."""
    try:
        return UUID(hex=text.removeprefix("evt_"))
    except ValueError:
        raise NoSuchDelivery from None


def check_url(text: str, *, http: bool) -> str:
    """Return the URL of a webhook; raises `Invalid`. ``http``: whether TLS may be missing."""
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if (
        not usable
        or parts.fragment
        or len(text) > LONGEST_URL
        or parts.scheme not in {"http", "https"}
        or not text.isascii()
        or not text.isprintable()
        or " " in text
    ):
        raise Invalid("url", "Write an address such as https://erp.example/hooks.", "bad_format")
    if parts.scheme == "http" and not http:
        raise Invalid("url", "This must be https, unless LOCKER_WEBHOOK_HTTP is on.", "bad_format")
    return text


def check_name(text: str) -> str:
    """Return the name of a webhook; raises `Invalid`."""
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable() or text != text.strip():
        raise Invalid("name", f"A name has 1 to {LONGEST_NAME} characters.", "bad_format")
    return text
