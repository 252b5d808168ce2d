"""What is recorded: who, what, when and from where, and never a secret or a name as typed.

What is typed into a user name's field may be a password, so a failed log in names an account
only where there is one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict
from uuid import UUID

logger = logging.getLogger("service.audit")

EventKind = Literal[
    "registered",
    "logged_in",
    "login_failed",
    "logged_out",
    "login_ended",
    "other_logins_ended",
    "all_logins_ended",
    "password_changed",
    "password_refused",
    "email_changed",
    "account_deleted",
    "account_disabled",
    "account_enabled",
    "account_exported",
    "token_made",
    "token_ended",
    "throttled",
    "refused",
    "role_given",
    "role_taken",
    "order_fulfilled",
    "order_cancelled",
    "order_noted",
    "stock_changed",
    "price_changed",
    "product_published",
    "product_hidden",
    "webhook_added",
    "webhook_disabled",
    "webhook_enabled",
    "webhook_rotated",
    "webhook_removed",
    "event_retried",
    "event_skipped",
]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from."""

    ip: str
    user_agent: str
    request_id: str


OPERATOR = Source("", "the command line", "")


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts for the shop: an account with the role, by this login or token.

    At the command line there is neither.
    """

    source: Source
    account_id: UUID | None = None
    login_id: UUID | None = None

    def event(
        self,
        kind: EventKind,
        at: datetime,
        *,
        account_id: UUID | None = None,
        subject: str | None = None,
        **details: Any,
    ) -> Event:
        """Return what the operator did, to an account or to a ``subject``, for `Record.store`."""
        return Event(kind, at, self.source, account_id, None, self, subject, details)


COMMAND_LINE = Operator(OPERATOR)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``login_id`` is the login or token it is about.

    What an ``operator`` did may have a ``subject`` other than an account, an order's number or a
    SKU, and ``details`` of a few short values: never a secret, never what tells who somebody is.
    """

    kind: EventKind
    at: datetime
    source: Source
    account_id: UUID | None = None
    login_id: UUID | None = None
    operator: Operator | None = None
    subject: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `queries.audit_cte`, for what no operator did."""
        source = self.source
        return {
            "event_at": self.at,
            "event_kind": self.kind,
            "event_account_id": self.account_id,
            "event_login_id": self.login_id,
            "event_ip": source.ip,
            "event_user_agent": source.user_agent,
            "event_request_id": source.request_id,
        }


class EventFilters(TypedDict, total=False):
    """Which events: those that fit all that is said; None says nothing.

    ``by`` is the operator who did it, ``until`` is no longer among them, and those ``before`` an id
    are older.
    """

    account_id: UUID | None
    by: UUID | None
    subject: str | None
    kind: EventKind | None
    since: datetime | None
    until: datetime | None
    before: int | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the table, where ``id`` counts them."""

    id: int
    event: Event


def log(event: Event) -> None:
    """Write the event to the log, once it has been stored.

    What a client sent goes in as a value, so it can't forge a line.
    """
    logger.info(
        event.kind,
        extra={
            "account_id": str(event.account_id) if event.account_id else None,
            "login_id": str(event.login_id) if event.login_id else None,
            "ip": event.source.ip,
            "user_agent": event.source.user_agent,
            **({"subject": event.subject, "by": _by(event)} if event.operator else {}),
        },
    )


def _by(event: Event) -> str | None:
    account_id = event.operator.account_id if event.operator else None
    return str(account_id) if account_id else None
