"""A browser that logged in here before, as it says itself: a section of its own in the session.

It is no login. It lets its owner try when strangers have used up the account's attempts (OWASP,
"Slow Down Online Guessing Attacks with Device Cookies").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from .tokens import hash_token

MOST_DEVICES = 20
"""Devices an account is known on; another one takes the place of that least used."""


@dataclass(frozen=True)
class Device:
    """A device's token, and the account that logged in on it last.

    The device is known only if a query finds it: a changed password, or its owner, ends that.
    """

    token: str
    account_id: UUID

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self | None:
        """Return the device that a section holds, or None where it holds something else."""
        try:
            return cls(str(section["token"]), UUID(section["account"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def write(self) -> dict[str, Any]:
        """Return the device as the session holds it."""
        return {"token": self.token, "account": str(self.account_id)}

    @cached_property
    def token_hash(self) -> bytes:
        return hash_token(self.token)
