"""`locker events`: what other systems are told of, and what became of that."""

from __future__ import annotations

import time
from typing import get_args

import click

from service import outbox
from service.audit import COMMAND_LINE
from service.errors import NotFound
from service.outbox import DeliveryState, ListedEvent, message_id, read_message_id
from service.settings import Settings

from .database import run_through_app
from .output import echo_json, echo_table, json_option, moment, paint

BATCH = 1000
FOLLOW_EVERY = 1.0
"""Seconds."""


@click.group()
def events() -> None:
    """What other systems are told of. EVENT is its id, as in `webhook-id`."""


@events.command("list")
@click.option("--state", type=click.Choice(get_args(DeliveryState)), help="Only these.")
@click.option("--dead", "state", flag_value="dead", help="Only dead letters.")
@click.option("--webhook", metavar="NAME", help="To this one.")
@click.option("--subject", help="About this, such as order:K7Q2-M9XC.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", metavar="EVENT", help="Those before this one.")
@json_option
def list_(
    *,
    state: DeliveryState | None,
    webhook: str | None,
    subject: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List events and what became of each, newest first."""
    found = run_through_app(
        Settings.from_env(serving=False),
        outbox.select_deliveries,
        state=state,
        webhook=webhook,
        subject=subject,
        before=read_message_id(after) if after else None,
        limit=limit,
    )
    if as_json:
        for event in found:
            echo_json(_listed(event))
        return
    rows = [
        (
            message_id(event.key),
            moment(event.at),
            event.kind,
            event.subject,
            event.webhook or "-",
            event.state or "-",
            str(event.attempts),
            event.error,
        )
        for event in found
    ]
    titles = ("EVENT", "TIME", "KIND", "ABOUT", "WEBHOOK", "STATE", "TRIES", "ERROR")
    echo_table(titles, rows, "No events.")


@events.command()
@click.argument("event", required=False)
@click.option("--dead", is_flag=True, help="All dead letters.")
@click.option("--webhook", metavar="NAME", help="To this one alone.")
@json_option
def retry(*, event: str | None, dead: bool, webhook: str | None, as_json: bool) -> None:
    """Try an event again at once, from the first attempt on."""
    if (event is None) != dead:
        raise click.UsageError("name an event, or give --dead")
    key = read_message_id(event) if event else None
    try:
        number = run_through_app(
            Settings.from_env(serving=False), outbox.retry_events, COMMAND_LINE, key, webhook
        )
    except NotFound:
        raise click.ClickException(f"{event} waits for nothing, or there is none") from None
    if as_json:
        echo_json({"retried": number})
    else:
        click.echo(f"{number} to be tried again.")


@events.command()
@click.argument("event")
@click.option("--webhook", metavar="NAME", help="To this one alone.")
@json_option
def skip(*, event: str, webhook: str | None, as_json: bool) -> None:
    """Give an event up, so that later ones of its order go on. `retry` takes it back."""
    try:
        run_through_app(
            Settings.from_env(serving=False),
            outbox.skip_event,
            COMMAND_LINE,
            read_message_id(event),
            webhook,
        )
    except NotFound:
        raise click.ClickException(f"{event} waits for nothing, or there is none") from None
    if as_json:
        echo_json({"id": event, "skipped": True})
    else:
        click.echo(f"Skipped {event}.")


@events.command()
@click.option("--after", metavar="EVENT", help="From this one on; without it, from the first.")
@click.option("--follow", is_flag=True, help="Wait for more.")
@json_option
def tail(*, after: str | None, follow: bool, as_json: bool) -> None:
    """Print events as they come, the oldest first.

    Each is printed once, and none is missed.
    """
    settings = Settings.from_env(serving=False)
    last = read_message_id(after) if after else None
    while True:
        found = run_through_app(settings, outbox.select_after, last, BATCH)
        for event in found:
            if as_json:
                echo_json(_told(event))
            else:
                kind = paint(event.kind, "cyan")
                click.echo(f"{moment(event.at)}  {message_id(event.key)}  {kind}  {event.subject}")
            last = event.key
        if len(found) == BATCH:
            continue
        if not follow:
            return
        time.sleep(FOLLOW_EVERY)


def _told(event: ListedEvent) -> dict[str, object]:
    return {
        "id": message_id(event.key),
        "type": event.kind,
        "timestamp": event.at,
        "data": event.data,
    }


def _listed(event: ListedEvent) -> dict[str, object]:
    return {
        **_told(event),
        "subject": event.subject,
        "webhook": event.webhook,
        "state": event.state,
        "attempts": event.attempts,
        "due_at": event.due_at,
        "http_status": event.http_status,
        "error": event.error,
    }
