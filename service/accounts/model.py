"""What an account is, and what makes a good name and password. No I/O."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import idna
import idna.uts46data  # or the first domain in other letters would wait for it, and all with it

from service.errors import Conflict, Invalid, WeakPassword

from .names import is_of_one_script, is_visible

SHORTEST_NAME, LONGEST_NAME = 3, 64
LONGEST_EMAIL = 254
"""Characters; what an SMTP path leaves for the address (RFC 5321, 4.5.3.1.3)."""
EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)
"""What a browser's e-mail field takes (HTML Standard, 4.10.5.1.5), with a dot in the domain."""
LONGEST_LABEL = 63
"""Characters of a part of a domain (RFC 1035, 2.3.4)."""
LONGEST_PASSWORD = 1024
"""Bytes in UTF-8, so that hashing stays bounded."""


class UsernameTaken(Conflict):
    code, title = "username_taken", "This user name is taken"


class EmailTaken(Conflict):
    code, title = "email_taken", "This e-mail address is taken"


Role = Literal["operator"]
"""What an account may do beyond its own: an operator acts for the shop."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in."""

    id: UUID
    username: str
    email: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account as an operator sees it, who finds those that are disabled as well."""

    account: Account
    disabled_at: datetime | None
    role: Role | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account with what its password is checked against."""

    account: Account
    password_hash: str


def key(name: str) -> str:
    """Return what two user names or addresses have in common that count as the same.

    Case, compatibility forms and blanks around it don't tell accounts apart, nor does how a domain
    is written. Of what `check_username` accepts, this is NFKC_Casefold (Unicode TS 39, 3.1).
    """
    name = _with_ascii_domain(name.strip())
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_username(username: str) -> str:
    """Return the name in NFKC, without blanks around it, or raise `Invalid`.

    An ``@`` is refused so that no name can be another account's address.
    """
    name = unicodedata.normalize("NFKC", username.strip())
    if len(name) < SHORTEST_NAME:
        message = f"Use {SHORTEST_NAME} characters or more."
        raise Invalid("username", message, "too_short", SHORTEST_NAME)
    if len(name) > LONGEST_NAME:
        message = f"Use {LONGEST_NAME} characters or less."
        raise Invalid("username", message, "too_long", LONGEST_NAME)
    if not is_visible(name):
        message = "Use letters, digits and marks; no spaces and no @."
        raise Invalid("username", message, "bad_username")
    if not is_of_one_script(name):
        message = "Use letters that are written together, not of several scripts."
        raise Invalid("username", message, "bad_username")
    return name


def check_email(email: str) -> str:
    """Return the address without blanks around it, or raise `Invalid`.

    Its domain is in the form that goes over the wire (RFC 5891): `münchen` is `xn--mnchen-3ya`.
    """
    address = _with_ascii_domain(email.strip())
    if len(address) > LONGEST_EMAIL:
        message = f"Use {LONGEST_EMAIL} characters or less."
        raise Invalid("email", message, "too_long", LONGEST_EMAIL)
    if not EMAIL.fullmatch(address):
        raise Invalid("email", "This doesn't look like an e-mail address.", "bad_email")
    return address


def _with_ascii_domain(address: str) -> str:
    """Return the address with its domain in ASCII, or as it is where that can't be."""
    local, at, domain = address.rpartition("@")
    if not at or domain.isascii() or max(map(len, domain.split("."))) > LONGEST_LABEL:
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except (idna.IDNAError, UnicodeError):
        return address


def check_password(password: str, username: str, shortest: int) -> None:
    """Raise `WeakPassword` with the reason.

    Length counts, and there are no rules of composition (NIST SP 800-63B-4, 3.1.1.2). Whether
    a password is common takes longer to find out, see `passwords`.
    """
    if len(password) < shortest:
        message = f"Use {shortest} characters or more."
        raise WeakPassword("password", message, "too_short", shortest)
    if len(password.encode()) > LONGEST_PASSWORD:
        message = f"Use {LONGEST_PASSWORD} bytes or less."
        raise WeakPassword("password", message, "too_long", LONGEST_PASSWORD)
    if username and key(username) in key(password):
        raise WeakPassword("password", "It must not contain the user name.", "weak_password")
