"""What a request is for, as its first line or its pseudo-header fields say."""

from __future__ import annotations

import re

Fields = list[tuple[bytes, bytes]]

ORIGIN = re.compile(rb"/[!-~]*")
ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#]+)(?P<path>[!-~]*)", re.IGNORECASE)


class BadTarget(Exception):
    """No server has such a thing."""


def read_target(method: bytes, target: bytes, headers: Fields) -> tuple[bytes, Fields]:
    """Return path and query, and the header fields with the host that is meant.

    Of a target with a host, that one counts and ``Host`` doesn't (RFC 9112, 3.2.2). Raises
    `BadTarget` for what is neither a path nor a URL nor, with OPTIONS, ``*``: the application
    would take it apart as if it were.
    """
    if ORIGIN.fullmatch(target) or (target == b"*" and method == b"OPTIONS"):
        return target, headers
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise BadTarget
    path = absolute["path"]
    others = [field for field in headers if field[0].lower() != b"host"]
    return (
        path if path.startswith(b"/") else b"/" + path,
        [(b"host", absolute["authority"]), *others],
    )
