"""`locker audit`."""

from __future__ import annotations

from datetime import datetime
from typing import cast, get_args
from uuid import UUID

import click

from service import accounts
from service import audit as records
from service.audit import EventKind, StoredEvent
from service.database import Connection
from service.settings import Settings

from .database import run_through_app
from .moments import MOMENT
from .output import echo_json, echo_table, json_option, moment


@click.command()
@click.option("--user", "name", metavar="NAME", help="Of this account; its id finds a deleted one.")
@click.option("--event", type=click.Choice(get_args(EventKind)), help="Only these.")
@click.option("--since", type=MOMENT, help="From this day or moment on, in UTC.")
@click.option("--until", type=MOMENT, help="Before this day or moment, in UTC.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", type=click.IntRange(1), metavar="ID", help="Those before this event.")
@json_option
def audit(
    *,
    name: str | None,
    event: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    after: int | None,
    as_json: bool,
) -> None:
    """List what happened to accounts, newest first.

    It is kept for LOCKER_AUDIT_DAYS.
    """

    async def action(db: Connection) -> list[StoredEvent]:
        return await records.select_events(
            db,
            account_id=None if name is None else await _account_id(db, name),
            kind=cast("EventKind | None", event),
            since=since,
            until=until,
            before=after,
            limit=limit + 1,
        )

    found = run_through_app(Settings.from_env(serving=False), action)
    if as_json:
        for stored in found[:limit]:
            echo_json(_listed(stored))
    else:
        rows = [_row(stored) for stored in found[:limit]]
        echo_table(("ID", "TIME", "EVENT", "ACCOUNT", "ADDRESS", "WITH"), rows, "No events.")
    if len(found) > limit:
        click.echo(f"More: --after {found[limit - 1].id}", err=True)


async def _account_id(db: Connection, name: str) -> UUID:
    if known := await accounts.select_known(db, name):
        return known.account.id
    try:
        return UUID(name)
    except ValueError:
        raise click.ClickException(f"there is no account {name}") from None


def _row(stored: StoredEvent) -> tuple[str, ...]:
    event = stored.event
    account = str(event.account_id or "-")
    ip = event.source.ip or "-"
    return str(stored.id), moment(event.at), event.kind, account, ip, event.source.user_agent


def _listed(stored: StoredEvent) -> dict[str, object]:
    event = stored.event
    return {
        "id": stored.id,
        "at": event.at,
        "event": event.kind,
        "account_id": event.account_id,
        "login_id": event.login_id,
        "ip": event.source.ip,
        "user_agent": event.source.user_agent,
        "request_id": event.source.request_id,
    }
