"""What its owner sees of a login or a token. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from service.errors import Conflict
from service.sessions import Scope

LONGEST_LABEL = 100
LONGEST_LIFE = 365
"""Days a token may last (NIST SP 800-63B-4, 2.2.3, has everyone authenticate again by then)."""

MOST_TOKENS = 50
"""Tokens an account may have at a time."""


class TokenLimit(Conflict):
    code, title = "token_limit", "There are too many tokens; end one first"


@dataclass(frozen=True, slots=True)
class Login:
    """A login that holds; ``current`` is the one that asks.

    ``new_device``: the account was known on others, and not yet on this one.
    """

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    ip: str
    new_device: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Token:
    """A token that holds. ``last_used_at`` is exact to the minute."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token about to be made; ``text`` is shown once and not kept."""

    text: str
    name: str
    scopes: tuple[Scope, ...]
    lifetime: timedelta
