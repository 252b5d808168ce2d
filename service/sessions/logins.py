"""The login behind a session: a random token in the cookie, its hash in a row."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from werkzeug.datastructures import Headers

TOKEN_BYTES = 16
"""128 bits of randomness (OWASP ASVS 5.0, 7.2.3)."""

LONGEST_USER_AGENT = 256


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a request says it comes from. Believe it once a query has found the login."""

    account_id: UUID | None = None
    token_hash: bytes | None = None

    @classmethod
    def of(cls, session: Mapping[str, object]) -> Claim:
        """Return what the session claims; without ``user_id`` it is a guest's."""
        user_id, token = session.get("user_id"), session.get("login")
        if not isinstance(user_id, str) or not isinstance(token, str):
            return cls()
        try:
            return cls(UUID(user_id), hash_token(token))
        except ValueError:
            return cls()

    def __bool__(self) -> bool:
        return self.token_hash is not None


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login about to start. ``idle`` of disuse, or ``expires_at``, ends it."""

    token: str
    account_id: UUID
    now: datetime
    idle: timedelta
    expires_at: datetime
    user_agent: str
    ip: str


def new_token() -> str:
    """Return a token for the session."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """Return what is stored of a token; it is random, so a plain digest is enough."""
    return hashlib.sha256(token.encode()).digest()


def bearer_token(headers: Headers) -> str | None:
    """Return the token of ``Authorization: Bearer``; another scheme isn't ours to judge."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
