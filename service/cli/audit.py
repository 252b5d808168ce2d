"""`locker audit`."""

from __future__ import annotations

from typing import Unpack, get_args
from uuid import UUID

import click

from service import accounts
from service import audit as records
from service.audit import EventFilters, EventKind, StoredEvent
from service.database import Connection
from service.settings import Settings

from .database import run_through_app
from .moments import MOMENT
from .output import echo_json, echo_table, json_option, moment

TITLES = ("ID", "TIME", "EVENT", "ACCOUNT", "BY", "SUBJECT", "DETAILS", "ADDRESS", "WITH")


@click.command()
@click.option("--user", "name", metavar="NAME", help="Of this account; its id finds a deleted one.")
@click.option("--by", "operator", metavar="NAME", help="Of this operator's doing.")
@click.option("--subject", help="Of this order's number, or this SKU.")
@click.option("--event", "kind", type=click.Choice(get_args(EventKind)), help="Only these.")
@click.option("--since", type=MOMENT, help="From this day or moment on, in UTC.")
@click.option("--until", type=MOMENT, help="Before this day or moment, in UTC.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--after", "before", type=click.IntRange(1), metavar="ID", help="Those before this event."
)
@json_option
def audit(
    *,
    name: str | None,
    operator: str | None,
    limit: int,
    as_json: bool,
    **filters: Unpack[EventFilters],
) -> None:
    """List what happened to accounts, newest first.

    It is kept for LOCKER_AUDIT_DAYS.
    """

    async def action(db: Connection) -> list[StoredEvent]:
        filters["account_id"] = await _account_id(db, name)
        filters["by"] = await _account_id(db, operator)
        return await records.select_events(db, limit=limit + 1, **filters)

    found = run_through_app(Settings.from_env(serving=False), action)
    if as_json:
        for stored in found[:limit]:
            echo_json(_listed(stored))
    else:
        rows = [_row(stored) for stored in found[:limit]]
        echo_table(TITLES, rows, "No events.")
    if len(found) > limit:
        click.echo(f"More: --after {found[limit - 1].id}", err=True)


async def _account_id(db: Connection, name: str | None) -> UUID | None:
    if name is None:
        return None
    if known := await accounts.select_known(db, name):
        return known.account.id
    try:
        return UUID(name)
    except ValueError:
        raise click.ClickException(f"there is no account {name}") from None


def _row(stored: StoredEvent) -> tuple[str, ...]:
    event = stored.event
    by = event.operator.account_id if event.operator else None
    return (
        str(stored.id),
        moment(event.at),
        event.kind,
        str(event.account_id or "-"),
        str(by or "-"),
        event.subject or "-",
        " ".join(f"{name}={value}" for name, value in event.details.items()) or "-",
        event.source.ip or "-",
        event.source.user_agent,
    )


def _listed(stored: StoredEvent) -> dict[str, object]:
    event, by = stored.event, stored.event.operator
    return {
        "id": stored.id,
        "at": event.at,
        "event": event.kind,
        "account_id": event.account_id,
        "login_id": event.login_id,
        "by_account_id": by.account_id if by else None,
        "by_login_id": by.login_id if by else None,
        "subject": event.subject,
        "details": event.details,
        "ip": event.source.ip,
        "user_agent": event.source.user_agent,
        "request_id": event.source.request_id,
    }
