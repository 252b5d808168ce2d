"""Secrets of webhooks at rest: readable for whoever has LOCKER_SECRET_KEY, and not from a dump."""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""
PURPOSE = b"locker webhook secrets\0"


class SealBroken(Exception):
    """A secret can't be read: the key that sealed it is no longer among the settings."""


class Seals:
    """Seals by the first key, and opens what any of them sealed."""

    def __init__(self, *keys: str) -> None:
        self._fernet = MultiFernet([Fernet(_derive(key)) for key in keys])

    def seal(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Return the secret; raises `SealBroken`."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SealBroken from None

    def renew(self, sealed: bytes) -> bytes:
        """Return the secret sealed by the first key; raises `SealBroken`."""
        return self.seal(self.open(sealed))


def _derive(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(PURPOSE + key.encode()).digest())


def new_secret() -> str:
    """Return a secret as receivers are given it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"
