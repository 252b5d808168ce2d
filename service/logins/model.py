"""Logins and tokens: as a request presents them, as they start, and as their owner sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from service.errors import Conflict, Unauthenticated

from .devices import Device
from .tokens import Scope, hash_token, read_scopes

NOT_VALID = "The token is not valid."

LONGEST_LABEL = 100
LONGEST_LIFE = 365
"""Days a token may last (NIST SP 800-63B-4, 2.2.3, has everyone authenticate again by then)."""

MOST_TOKENS = 50
"""Tokens an account may have at a time."""


class TokenLimit(Conflict):
    code, title = "token_limit", "There are too many tokens; end one first"


class TokenExists(Exception):
    """The text of a token, made from a seed, is that of a token which was made before."""


@dataclass(slots=True)
class PresentedLogin:
    """The login, or the token, that a request brings. Believe it once a query has found it.

    An API token doesn't say whose it is; ``scopes`` is what it may do, None for a login.
    ``checked``: somebody asked a query for it, and heeded the answer.
    """

    account_id: UUID | None = None
    token_hash: bytes | None = None
    scopes: frozenset[Scope] | None = None
    checked: bool = field(default=False, compare=False)

    @classmethod
    def from_session(cls, session: Mapping[str, object]) -> PresentedLogin:
        """Return the login that a session holds; without ``user_id`` it is a guest's."""
        user_id = session.get("user_id")
        token = session.get("login") if user_id else None
        if not isinstance(user_id, str) or not isinstance(token, str):
            return cls()
        try:
            return cls(UUID(user_id), hash_token(token))
        except ValueError:
            return cls()

    @classmethod
    def from_token(cls, token: str) -> PresentedLogin:
        """Return what an API token presents; raises `Unauthenticated` for any other text."""
        scopes = read_scopes(token)
        if scopes is None:
            raise Unauthenticated(NOT_VALID)
        return cls(token_hash=hash_token(token), scopes=scopes)

    def __bool__(self) -> bool:
        return self.token_hash is not None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `queries.LOGIN`, but for the time."""
        return {"presented_hash": self.token_hash, "presented_account": self.account_id}

    def require(self, *, found: bool) -> None:
        """Take note that a query was asked; raises `Unauthenticated` for a token it didn't find.

        A login that wasn't found makes a guest; an invalid token never does (http-api,
        "Conventions").
        """
        if self.scopes is not None and not found:
            raise Unauthenticated(NOT_VALID)
        self.checked = True


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

    def parameters(self) -> dict[str, Any]:
        """Return what a statement that stores it is given."""
        return {
            "token_hash": hash_token(self.token),
            "account_id": self.account_id,
            "now": self.now,
            "idle": self.idle,
            "expires_at": self.expires_at,
            "user_agent": self.user_agent,
            "ip": self.ip,
            "login_id": self.id,
        }


@dataclass(frozen=True, slots=True)
class StartedLogin:
    """A login that has started, on this device.

    ``used_before`` is when the account was logged in to on it before, if it was.
    """

    device: Device
    used_before: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token about to be made; ``text`` is shown once and not kept."""

    text: str
    name: str
    scopes: tuple[Scope, ...]
    lifetime: timedelta
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Login:
    """A valid login; ``current`` is the one that asks.

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
class KnownDevice:
    """A device that an account logged in on before; address and browser are of its first log in."""

    created_at: datetime
    used_at: datetime
    user_agent: str
    ip: str


class NoOperator(Conflict):
    code, title = "no_operator", "The account has no role"


@dataclass(frozen=True, slots=True)
class Token:
    """A valid token. ``last_used_at`` is exact to the minute."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A valid token as operators see it, with the user name of its account."""

    token: Token
    account_id: UUID
    username: str
