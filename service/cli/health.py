"""`locker health`."""

from __future__ import annotations

import click

from service.settings import Settings

from .probe import probe


@click.command(short_help="Ask the running service whether it lives.")
def health() -> None:
    """Ask the service that listens on LOCKER_BIND, here, whether it lives.

    The exit status is 1 if it doesn't.
    """
    if problem := probe(Settings.from_env(serving=False).bind):
        raise click.ClickException(problem)
