"""What the API gives of customers."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from service.accounts import KnownAccount, Role
from service.accounts.api_types import TokenOutput, UserOutput, user_output
from service.audit import EventKind, StoredEvent
from service.http.endpoints import Metadata, Moment, Output
from service.orders.api_types import OrderOutput, order_output
from service.preferences.api_types import PreferencesOutput, preferences_output

from .model import Export

T = TypeVar("T", bound=Output)

AnyEvent = Annotated[EventKind, Meta(title="AuditEventKind")]


class CustomerOutput(Output):
    """An account as operators see it. `disabled_at`: since when it lets nobody in."""

    id: UUID
    username: str
    email: str
    created_at: Moment
    disabled_at: Moment | None
    role: Annotated[Role | None, Meta(title="Role")]


class KeptLineOutput(Output):
    """A line of the cart."""

    sku: str
    quantity: int
    metadata: Metadata


class KeptLoginOutput(Output):
    """A login that is valid. `last_seen_at` is exact to the minute."""

    id: UUID
    created_at: Moment
    last_seen_at: Moment
    user_agent: str
    ip: str


class KnownDeviceOutput(Output):
    """A device that the account logged in on before, as it was at its first log in."""

    created_at: Moment
    used_at: Moment
    user_agent: str
    ip: str


class AccountEventOutput(Output):
    """Something that happened to the account, and where the request came from."""

    at: Moment
    event: AnyEvent
    ip: str
    user_agent: str


class AccountExportOutput(Output):
    """All that is kept of an account.

    `marketing_emails_at` is when it last said whether it wants mail that advertises. `events` are
    the last 1,000.
    """

    exported_at: Moment
    user: UserOutput
    preferences: PreferencesOutput
    marketing_emails_at: Moment | None
    cart: list[KeptLineOutput]
    orders: list[OrderOutput]
    sessions: list[KeptLoginOutput]
    tokens: list[TokenOutput]
    devices: list[KnownDeviceOutput]
    events: list[AccountEventOutput]


class AuditEventOutput(Output):
    """What happened, to whom or to what, and who did it.

    `by_account_id` and `by_login_id` are an operator's and their token's; both are null at the
    command line, whose `user_agent` says so, and where the account did it itself.
    """

    id: Annotated[int, Meta(ge=1, examples=[4711])]
    at: Moment
    event: AnyEvent
    account_id: UUID | None
    login_id: UUID | None
    by_account_id: UUID | None
    by_login_id: UUID | None
    subject: Annotated[str | None, Meta(examples=["7K2M-4QXR-9TWD"])]
    details: Annotated[dict[str, str | int | bool | None], Meta(title="AuditDetails")]
    ip: str
    user_agent: str
    request_id: str


def customer_output(known: KnownAccount) -> CustomerOutput:
    """Return the account for operators."""
    account = known.account
    return CustomerOutput(
        account.id,
        account.username,
        account.email,
        account.created_at,
        known.disabled_at,
        known.role,
    )


def export_output(exported: Export) -> AccountExportOutput:
    """Return the export for the API."""
    return AccountExportOutput(
        exported_at=exported.at,
        user=user_output(exported.known.account),
        preferences=preferences_output(exported.kept.choices),
        marketing_emails_at=exported.kept.consented_at,
        cart=_convert(exported.lines, KeptLineOutput),
        orders=[order_output(order) for order in exported.orders],
        sessions=_convert(exported.logins, KeptLoginOutput),
        tokens=_convert(exported.tokens, TokenOutput),
        devices=_convert(exported.devices, KnownDeviceOutput),
        events=[_account_event_output(stored) for stored in exported.events],
    )


def audit_event_output(stored: StoredEvent) -> AuditEventOutput:
    """Return an event for operators."""
    event, by = stored.event, stored.event.operator
    return AuditEventOutput(
        id=stored.id,
        at=event.at,
        event=event.kind,
        account_id=event.account_id,
        login_id=event.login_id,
        by_account_id=by.account_id if by else None,
        by_login_id=by.login_id if by else None,
        subject=event.subject,
        details=dict(event.details),
        ip=event.source.ip,
        user_agent=event.source.user_agent,
        request_id=event.source.request_id,
    )


def _account_event_output(stored: StoredEvent) -> AccountEventOutput:
    event = stored.event
    return AccountEventOutput(event.at, event.kind, event.source.ip, event.source.user_agent)


def _convert(found: list[Any], to: type[T]) -> list[T]:
    return msgspec.convert(found, list[to], from_attributes=True)  # type: ignore[valid-type]
