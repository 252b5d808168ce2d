"""The command line, `locker`: one module for each group of commands."""

from __future__ import annotations

import click

from .accounts import sessions, user
from .catalogue import catalogue
from .dev import dev
from .doctor import doctor
from .openapi import openapi
from .orders import orders_
from .problems import FORESEEN, explain
from .purge import purge
from .schema import migrate
from .serve import serve


class Commands(click.Group):
    """Tells what went wrong in a line, where it was to be foreseen."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FORESEEN as error:
            raise click.ClickException(explain(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="locker")
def main() -> None:
    """A shop's login, cart and preferences.

    `locker dev` needs nothing. The other commands take their settings from the environment:
    LOCKER_DATABASE_URL and the rest, see the README.
    """


for command in (dev, serve, migrate, catalogue, user, sessions, orders_, purge, openapi, doctor):
    main.add_command(command)
