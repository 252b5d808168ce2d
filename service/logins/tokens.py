"""The text of tokens: a login's, which the session holds, and one for programs. No I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from typing import Literal

TOKEN_BYTES = 16
"""128 bits of randomness (OWASP ASVS 5.0, 7.2.3)."""

API_TOKEN_BYTES = 24

Scope = Literal["read", "write", "admin"]
"""`admin` is an operator's, who acts for the shop and not as a shopper."""

API_TOKEN = re.compile(r"locker_(?P<scopes>(?=[rwa])r?w?a?)_[A-Za-z0-9_-]{22,64}")
"""A token for programs. It begins so that secret scanners know it, and says itself what it may
do: its hash vouches for that as for the rest."""

_LETTERS: dict[Scope, str] = {"read": "r", "write": "w", "admin": "a"}


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


def read_scopes(token: str) -> frozenset[Scope] | None:
    """Return what a token for programs says it may do, or None if the text can't be one."""
    form = API_TOKEN.fullmatch(token)
    if form is None:
        return None
    return frozenset(scope for scope, letter in _LETTERS.items() if letter in form["scopes"])


def hash_token(token: str) -> bytes:
    """Return what is stored of a token; it is random, so a plain digest is enough."""
    return hashlib.sha256(token.encode()).digest()
