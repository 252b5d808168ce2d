"""What a key is, and what is remembered under it. No I/O, no HTTP."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from service.errors import Invalid
from service.logins import PresentedLogin

HEADER = "Idempotency-Key"

RETENTION = timedelta(hours=24)
"""How long an answer is replayed."""

KEY = re.compile(r"[!-~]{1,255}")
"""Visible ASCII."""


class KeyReused(Invalid):
    code, title = "idempotency_key_reused", "This key was used for another request"

    def __init__(self) -> None:
        super().__init__(HEADER, "Was used for another request; take a new key for each.")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was given: ``headers`` are those of the view, the body is whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def without_members(self, names: Collection[str]) -> StoredAnswer:
        """Return this without these members of its body."""
        if not names:
            return self
        body = msgspec.json.decode(self.body)
        rest = {name: value for name, value in body.items() if name not in names}
        return replace(self, body=msgspec.json.encode(rest))

    def with_members(self, members: Mapping[str, Any]) -> StoredAnswer:
        """Return this with these members last in its body, unless it is a refusal."""
        if not members or self.status >= HTTPStatus.BAD_REQUEST:
            return self
        body = {**msgspec.json.decode(self.body), **members}
        return replace(self, body=msgspec.json.encode(body))

    def with_body(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> StoredAnswer:
        """Return this with its body changed, unless it is a refusal."""
        if self.status >= HTTPStatus.BAD_REQUEST:
            return self
        return replace(self, body=msgspec.json.encode(change(msgspec.json.decode(self.body))))


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and what tells the request it came with from another."""

    text: str
    fingerprint: bytes

    @classmethod
    def read(cls, header: str, *request: str | bytes) -> Key:
        """Return the key of a request, which is made of these parts; raises `Invalid`."""
        if not KEY.fullmatch(header):
            raise Invalid(HEADER, "Use 1 to 255 visible ASCII characters.", "bad_format")
        digest = hashlib.sha256()
        for part in request:
            content = part.encode() if isinstance(part, str) else part
            digest.update(len(content).to_bytes(8, "big") + content)
        return cls(header, digest.digest())


class KeyTaken(Exception):
    """Another request had the key: this one does nothing, and has the answer of that one."""

    def __init__(self, scope: UUID) -> None:
        super().__init__()
        self.scope = scope


@dataclass(slots=True)
class Claim:
    """A key to be claimed by the first statement that is sent for a request.

    ``guest`` is the cart of a caller without a login. The ``scope`` is whose the key is once it was
    claimed: the account's, or the guest's cart's. None, where there is neither, has no keys.
    """

    key: Key
    presented: PresentedLogin
    guest: UUID | None
    scope: UUID | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `queries.CLAIM_CTE`, but for those of the login."""
        return {
            "guest": self.guest,
            "key": self.key.text,
            "fingerprint": self.key.fingerprint,
            "retention": RETENTION,
        }

    def heed(self, *, found: bool, scope: UUID | None, free: bool) -> None:
        """Take note of what the statement said.

        Raises `KeyTaken`, and `Unauthenticated` for a token that isn't valid.
        """
        self.presented.require(found=found)
        self.scope = scope
        if scope is not None and not free:
            raise KeyTaken(scope)
