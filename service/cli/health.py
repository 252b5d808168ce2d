"""`locker health`."""

from __future__ import annotations

import http.client
import socket

import click

from service.settings import Settings

WITHIN = 3.0
"""Seconds."""
DEFAULT_PORT = 8000
"""Hypercorn's."""
ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound
"""What is bound on every interface is asked on the machine's own."""


@click.command()
def health() -> None:
    """Ask the service that listens on LOCKER_BIND, here, whether it lives.

    The exit status is 1 if it doesn't. For a container's health check.
    """
    bind = Settings.from_env(serving=False).bind
    try:
        status = _ask(bind)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise click.ClickException(f"no answer on {bind}: {error}") from None
    if status != http.client.OK:
        raise click.ClickException(f"{status} on {bind}")


def _ask(bind: str) -> int:
    connection = http.client.HTTPConnection("localhost", timeout=WITHIN)
    connection.sock = _connect(bind)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status
    finally:
        connection.close()


def _connect(bind: str) -> socket.socket:
    """Connect to what Hypercorn makes of such a text."""
    if bind.startswith("unix:"):
        connected = socket.socket(socket.AF_UNIX)
        connected.settimeout(WITHIN)
        try:
            connected.connect(bind.removeprefix("unix:"))
        except OSError:
            connected.close()
            raise
        return connected
    if bind.startswith("fd:"):
        raise ValueError("who opened a socket for it knows where")
    host, colon, port = bind.replace("[", "").replace("]", "").rpartition(":")
    if not colon or not port.isdecimal():
        host, port = bind.strip("[]"), str(DEFAULT_PORT)
    return socket.create_connection((ANYWHERE.get(host, host), int(port)), WITHIN)
