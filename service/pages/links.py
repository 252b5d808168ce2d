"""Where a page may lead to: this host, and nowhere else."""

from __future__ import annotations

import re

from quart import redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

LONGEST_PATH = 512

_LOCAL = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]*", re.ASCII)
"""A path of this host. Browsers take a backslash for a slash, drop tabs and line breaks, and take
two slashes for another host's name (WHATWG URL, 4.4)."""


def local_path(text: str, otherwise: str = "/") -> str:
    """Return the path that a client named, or the other one where it may lead elsewhere."""
    fits = len(text) <= LONGEST_PATH and text.isprintable() and _LOCAL.fullmatch(text)
    return text if fits else otherwise


def back(path: str) -> WerkzeugResponse:
    """Send the browser on after a form, so that reloading sends nothing twice."""
    return redirect(request.root_path + local_path(path), 303)
