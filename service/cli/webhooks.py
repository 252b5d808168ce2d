"""`locker webhooks`: which systems are told what happens in the shop."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import click

from service import clock, outbox
from service.audit import COMMAND_LINE
from service.database import Connection
from service.outbox import Attempted, Seals, Webhook
from service.settings import Settings
from service.webhooks.sending import Sender

from .database import run_through_app, through_app
from .output import echo_json, echo_table, json_option, printable

OVERLAP = 24
"""Hours."""


@click.group()
def webhooks() -> None:
    """Systems that are told what happens in the shop. NAME is a webhook's."""


@webhooks.command()
@click.argument("name")
@click.argument("url")
@click.option(
    *("--event", "kinds"),
    type=click.Choice(outbox.KINDS),
    multiple=True,
    help="Of what; can be given more than once. Without it, of everything.",
)
@json_option
def add(*, name: str, url: str, kinds: tuple[str, ...], as_json: bool) -> None:
    """Tell URL of events; shows their secret this once."""
    settings = Settings.from_env()
    added, secret = run_through_app(
        settings,
        outbox.add_webhook,
        _seals(settings),
        COMMAND_LINE,
        name,
        url,
        kinds=kinds,
        http=settings.webhook_http,
    )
    _show_secret(added.name, secret, as_json=as_json)


@webhooks.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List webhooks, with what waits for each.

    That is how many events are still to be delivered, and how many are dead letters.
    """
    found = run_through_app(Settings.from_env(serving=False), outbox.select_webhooks)
    if as_json:
        for webhook in found:
            echo_json(_listed(webhook))
        return
    rows = [
        (
            webhook.name,
            "disabled" if webhook.disabled_at else "enabled",
            str(webhook.pending),
            str(webhook.dead),
            ",".join(webhook.kinds) or "all",
            webhook.url,
        )
        for webhook in found
    ]
    echo_table(("NAME", "STATE", "WAITING", "DEAD", "EVENTS", "URL"), rows, "No webhooks.")


@webhooks.command()
@click.argument("name")
@json_option
def disable(name: str, *, as_json: bool) -> None:
    """Send nothing more. What happens meanwhile waits, for LOCKER_EVENT_DAYS."""
    run_through_app(Settings.from_env(serving=False), outbox.disable_webhook, COMMAND_LINE, name)
    _echo(name, "Disabled", as_json=as_json)


@webhooks.command()
@click.argument("name")
@json_option
def enable(name: str, *, as_json: bool) -> None:
    """Send again, what has waited first."""
    run_through_app(Settings.from_env(serving=False), outbox.enable_webhook, COMMAND_LINE, name)
    _echo(name, "Enabled", as_json=as_json)


@webhooks.command()
@click.argument("name")
@json_option
def remove(name: str, *, as_json: bool) -> None:
    """Forget a webhook, its secret, and what still waits for it."""
    run_through_app(Settings.from_env(serving=False), outbox.remove_webhook, COMMAND_LINE, name)
    _echo(name, "Removed", as_json=as_json)


@webhooks.command()
@click.argument("name")
@click.option(
    "--overlap",
    type=click.IntRange(0, 720),
    default=OVERLAP,
    show_default=True,
    help="Hours for which the old secret signs as well.",
)
@json_option
def rotate(*, name: str, overlap: int, as_json: bool) -> None:
    """Make a new secret, and show it this once."""
    settings = Settings.from_env()
    secret = run_through_app(
        settings,
        outbox.rotate_secret,
        _seals(settings),
        COMMAND_LINE,
        name,
        timedelta(hours=overlap),
    )
    _show_secret(name, secret, as_json=as_json)


@webhooks.command()
@click.argument("name")
@json_option
def test(name: str, *, as_json: bool) -> None:
    """Send a `webhook.test` from here, now, and say what came of it."""
    attempted = asyncio.run(_test(Settings.from_env(), name))
    if as_json:
        status, error = attempted.http_status, attempted.error or None
        echo_json({"name": name, "http_status": status, "error": error})
    if attempted.error:
        raise click.ClickException(f"not delivered: {attempted.error}")
    if not as_json:
        click.echo(f"Delivered: answered {attempted.http_status}.")


async def _test(settings: Settings, name: str) -> Attempted:
    async with through_app(settings) as db:
        url, sealed = await _find(db, name)
    now = clock.now()
    secrets = [_seals(settings).open(each) for each in sealed.at(now)]
    body = outbox.message_body("webhook.test", now, {"webhook": name})
    async with Sender(settings) as sender:
        return await sender.send(url, outbox.message_id(uuid4()), body, secrets, now)


async def _find(db: Connection, name: str) -> tuple[str, outbox.WebhookSecrets]:
    async with db.transaction():
        return await outbox.find_webhook(db, name)


def _seals(settings: Settings) -> Seals:
    return Seals(settings.secret_key, *settings.secret_key_fallbacks)


def _echo(name: str, became: str, *, as_json: bool) -> None:
    if as_json:
        echo_json({"name": name, "became": became.lower()})
    else:
        click.echo(printable(f"{became} {name}."))


def _show_secret(name: str, secret: str, *, as_json: bool) -> None:
    if as_json:
        echo_json({"name": name, "secret": secret})
        return
    # Alone on standard output, so that a script can keep it.
    click.echo(secret)
    click.echo(f"This signs what {name} is sent. It is not shown again.", err=True)


def _listed(webhook: Webhook) -> dict[str, object]:
    return {
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.kinds,
        "created_at": webhook.created_at,
        "disabled_at": webhook.disabled_at,
        "waiting": webhook.pending,
        "dead": webhook.dead,
    }
