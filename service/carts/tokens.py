"""A guest's cart without cookies: a token names it, and is known by its hash alone."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from service.errors import Unauthenticated

SECRET_BYTES = 16
"""128 bits of randomness beside the cart's id (OWASP ASVS 5.0, 7.2.3)."""

TOKEN = re.compile(r"locker_cart_(?P<content>[A-Za-z0-9_-]{43})")
"""It begins so that secret scanners know it."""

NOT_VALID = "The cart's token is not valid."


@dataclass(frozen=True, slots=True)
class CartToken:
    """The token that a request brings. Believe it once a query has found the hash with the id."""

    cart_id: UUID
    hash: bytes

    @classmethod
    def read(cls, text: str) -> CartToken:
        """Return what a token names; raises `Unauthenticated` for any other text."""
        form = TOKEN.fullmatch(text)
        if form is None:
            raise Unauthenticated(NOT_VALID)
        content = base64.urlsafe_b64decode(form["content"] + "=")
        return cls(UUID(bytes=content[:16]), hashlib.sha256(text.encode()).digest())

    @property
    def scope(self) -> UUID:
        """Whose the keys of idempotent requests are: nobody's who has another token's text."""
        return UUID(bytes=self.hash[:16])


def new_cart_token(cart_id: UUID) -> str:
    """Return a token for this cart, which is shown once."""
    content = base64.urlsafe_b64encode(cart_id.bytes + secrets.token_bytes(SECRET_BYTES))
    return f"locker_cart_{content.decode().rstrip('=')}"
