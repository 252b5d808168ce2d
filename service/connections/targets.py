"""What a request is for, as its first line or its pseudo-header fields say."""

from __future__ import annotations

import re

ORIGIN = re.compile(rb"/[!-~]*")
ABSOLUTE = re.compile(rb"https?://[^/?#][!-~]*", re.IGNORECASE)


def is_target(method: bytes, target: bytes) -> bool:
    """Return whether it is a path or a URL or, with OPTIONS, ``*`` (RFC 9112, 3.2).

    The application would take anything else apart as if it were one of these.
    """
    if target == b"*":
        return method == b"OPTIONS"
    return bool(ORIGIN.fullmatch(target) or ABSOLUTE.fullmatch(target))
