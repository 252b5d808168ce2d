"""What a request brings instead of a session: a bearer token (RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers


def bearer_token(headers: Headers) -> str | None:
    """Return the token of ``Authorization: Bearer``; another scheme isn't ours to judge."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
