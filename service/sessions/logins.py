"""The login behind a session: a random token in the cookie, its hash in a row."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid4

from service.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime, timedelta

    from werkzeug.datastructures import Headers

TOKEN_BYTES = 16
"""128 bits of randomness (OWASP ASVS 5.0, 7.2.3)."""

API_TOKEN_BYTES = 24

LONGEST_USER_AGENT = 256

Scope = Literal["read", "write"]

API_TOKEN = re.compile(r"locker_(?P<scopes>r|w|rw)_[A-Za-z0-9_-]{22,64}")
"""A token for programs. It begins so that secret scanners know it, and says itself what it may
do: its hash vouches for that as for the rest."""

NOT_VALID = "The token is not valid."

_LETTERS: dict[Scope, str] = {"read": "r", "write": "w"}


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a request says it comes from. Believe it once a query has found the login.

    An API token doesn't say whose it is; ``scopes`` is what it may do, None for a login.
    """

    account_id: UUID | None = None
    token_hash: bytes | None = None
    scopes: frozenset[Scope] | None = None

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

    @classmethod
    def of_token(cls, token: str) -> Claim:
        """Return what an API token claims; raises `Unauthenticated` for any other text."""
        form = API_TOKEN.fullmatch(token)
        if form is None:
            raise Unauthenticated(NOT_VALID)
        scopes = frozenset(scope for scope, letter in _LETTERS.items() if letter in form["scopes"])
        return cls(token_hash=hash_token(token), scopes=scopes)

    def __bool__(self) -> bool:
        return self.token_hash is not None

    def confirm(self, *, found: bool) -> None:
        """Take note of whether a query found the login.

        Without it the caller is a guest, but never with a token: `Unauthenticated` (http-api,
        "Conventions").
        """
        if self.scopes is not None and not found:
            raise Unauthenticated(NOT_VALID)


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
    id: UUID = field(default_factory=uuid4)


def new_token() -> str:
    """Return a token for the session."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def new_api_token(scopes: Collection[Scope], seed: tuple[str, bytes] | None = None) -> str:
    """Return a token for programs, which is shown once and then known by its hash alone.

    A ``seed``, a secret and what it was asked with, always gives the same one: then it can be
    said again without being stored.
    """
    letters = "".join(letter for scope, letter in _LETTERS.items() if scope in scopes)
    if seed is None:
        return f"locker_{letters}_{secrets.token_urlsafe(API_TOKEN_BYTES)}"
    secret, request = seed
    derived = hmac.digest(secret.encode(), b"api token" + request, "sha256")[:API_TOKEN_BYTES]
    return f"locker_{letters}_{base64.urlsafe_b64encode(derived).decode()}"


def hash_token(token: str) -> bytes:
    """Return what is stored of a token; it is random, so a plain digest is enough."""
    return hashlib.sha256(token.encode()).digest()


def bearer_token(headers: Headers) -> str | None:
    """Return the token of ``Authorization: Bearer``; another scheme isn't ours to judge."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
