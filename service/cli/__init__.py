"""The command line, `locker`: one module for each group of commands."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from .accounts import sessions, user
from .audit import audit
from .catalogue import catalogue
from .doctor import doctor
from .events import events
from .health import health
from .migrate import migrate
from .openapi import openapi
from .orders import orders_
from .problems import FORESEEN, explain
from .purge import purge
from .serve import serve
from .settings import settings
from .stock import products, stock
from .tokens import token
from .webhooks import webhooks
from .worker import worker

HAS_DEV = find_spec("service.cli.dev") is not None
"""The image has neither `locker dev` nor the PostgreSQL that it keeps."""
if HAS_DEV:
    from .dev import dev, kept_in


class Commands(click.Group):
    """Tells what went wrong in a line, where it was to be foreseen."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FORESEEN as error:
            raise click.ClickException(explain(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="locker")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Work on the shop that `locker dev` or `make run` keeps in this folder.",
    hidden=not HAS_DEV,
)
@click.pass_context
def main(context: click.Context, data: Path | None) -> None:
    """A shop's login, cart and preferences.

    `locker dev` needs nothing. The other commands work on the database of `locker dev` with
    --data, running or not, and else take their settings from the environment:
    LOCKER_DATABASE_URL and the rest.
    """
    if data is None:
        return
    if not HAS_DEV:
        raise click.UsageError("there is no `locker dev` here, and so nothing that it keeps")
    if context.invoked_subcommand == "dev":
        raise click.UsageError("give --data after `dev`")
    context.with_resource(kept_in(data))


if HAS_DEV:
    main.add_command(dev)
for command in (
    *(
        serve,
        migrate,
        catalogue,
        user,
        sessions,
        token,
        orders_,
        stock,
        products,
        audit,
        purge,
        openapi,
    ),
    *(webhooks, events, worker),
    *(doctor, settings, health),
):
    main.add_command(command)
