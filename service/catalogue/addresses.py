"""Which addresses pictures may have."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .model import URL_LENGTH

# Browsers take "/\" for "//", which is another host.
_PATH = re.compile(r"/(?![/\\])")


def is_picture(address: str) -> bool:
    """Return whether a page may show what is there: by https, or from the shop itself."""
    if len(address) > URL_LENGTH or not address.isprintable() or " " in address or "\\" in address:
        return False
    if _PATH.match(address):
        return True
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and address[6:8] == "//" and bool(parts.hostname)
    except ValueError:
        return False
