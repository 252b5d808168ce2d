"""Whether the service lives that listens on an address.

Also a program by itself, which the image's health check runs every few seconds: it imports little
of the standard library and nothing else, as `locker health` takes a second to import all it is.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

WITHIN = 3.0
"""Seconds."""
DEFAULT = "127.0.0.1:8000"
"""Where `locker serve` listens without LOCKER_BIND."""
DEFAULT_PORT = 8000
"""Hypercorn's."""
ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound
"""What is bound on every interface is asked on the machine's own."""
QUESTION = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LONGEST_LINE = 1024


def probe(bind: str) -> str:
    """Return what is wrong with the service that listens there, or nothing."""
    try:
        status = _ask(bind)
    except (OSError, ValueError) as error:
        return f"no answer on {bind}: {error}"
    return "" if status == "200" else f"{status} on {bind}"


def read_bind(environ: Mapping[str, str]) -> str:
    """Return where `locker serve` listens with these variables: what `Settings` makes of them."""
    if path := environ.get("LOCKER_BIND_FILE"):
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes longer to import
            return file.read().strip()
    return environ.get("LOCKER_BIND") or DEFAULT


def _ask(bind: str) -> str:
    with _connect(bind) as connection:
        connection.sendall(QUESTION)
        line = b""
        while b"\r\n" not in line and len(line) < LONGEST_LINE:
            received = connection.recv(LONGEST_LINE)
            if not received:
                break
            line += received
    version, _, rest = line.decode("latin-1").partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("that is no HTTP")
    return rest[:3]


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


if __name__ == "__main__":
    sys.exit(probe(read_bind(os.environ)) or None)
