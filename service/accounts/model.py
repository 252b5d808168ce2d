"""What an account is, and what makes a good name and password. No I/O."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.errors import Conflict, Invalid, WeakPassword

SHORTEST_NAME, LONGEST_NAME = 3, 64
LONGEST_EMAIL = 254
"""Characters; what an SMTP path leaves for the address (RFC 5321, 4.5.3.1.3)."""
EMAIL = (
    r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+(?!\n)$"
)
"""What a browser's e-mail field takes (HTML Standard, 4.10.5.1.5), with a dot in the domain.
Python's ``$`` would also match before a line break at the end."""
LONGEST_PASSWORD = 1024
"""Bytes in UTF-8, so that hashing stays bounded."""


class UsernameTaken(Conflict):
    code, title = "username_taken", "This user name is taken"


class EmailTaken(Conflict):
    code, title = "email_taken", "This e-mail address is taken"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in."""

    id: UUID
    username: str
    email: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what its password is checked against."""

    account: Account
    password_hash: str


def key(name: str) -> str:
    """Return what two user names or addresses have in common that count as the same.

    Case and compatibility forms don't tell accounts apart (Unicode TR 36, 2.10; UTS 39).
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_username(username: str) -> str:
    """Return the name in NFKC, or raise `Invalid`.

    An ``@`` is refused so that no name can be another account's address.
    """
    name = unicodedata.normalize("NFKC", username)
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise Invalid("username", f"Use {SHORTEST_NAME} to {LONGEST_NAME} characters.")
    for character in name:
        if character == "@" or unicodedata.category(character)[0] in "CZ":
            raise Invalid("username", "Use letters, digits and marks; no spaces and no @.")
    return name


def check_password(password: str, username: str, shortest: int) -> None:
    """Raise `WeakPassword` with the reason.

    Length counts, and there are no rules of composition (NIST SP 800-63B-4, 3.1.1.2). Whether
    a password is common takes longer to find out, see `passwords`.
    """
    if len(password) < shortest:
        raise WeakPassword("password", f"Use {shortest} characters or more.")
    if len(password.encode()) > LONGEST_PASSWORD:
        raise WeakPassword("password", f"Use {LONGEST_PASSWORD} bytes or less.")
    if key(username) in key(password):
        raise WeakPassword("password", "It must not contain the user name.")
