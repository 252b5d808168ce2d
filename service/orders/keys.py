"""The key that shows a guest's order to whoever has it: derived, and stored as a hash alone.

It is made from the service's secret key and the order's number, so an answer that is given again
can say it again. What is stored is its hash: so it goes on being good when the secret key is
another one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

HEADER = "Locker-Order-Key"
KEY_BYTES = 24


def make_key(secret: str, number: str) -> str:
    """Return an order's key."""
    content = hmac.digest(secret.encode(), b"order key " + number.encode(), "sha256")[:KEY_BYTES]
    return f"locker_order_{base64.urlsafe_b64encode(content).decode()}"


def hash_key(key: str) -> bytes:
    """Return what is stored of a key; it can't be guessed, so a plain digest is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def find_key(secrets: Sequence[str], number: str, key_hash: bytes) -> str | None:
    """Return an order's key again, which one of these secrets made; None if none of them did."""
    for secret in secrets:
        key = make_key(secret, number)
        if hmac.compare_digest(hash_key(key), key_hash):
            return key
    return None
