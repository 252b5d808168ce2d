"""What a key is, and what is remembered under it. No I/O, no HTTP."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import msgspec

from service.errors import Invalid

HEADER = "Idempotency-Key"

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
