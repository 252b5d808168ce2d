"""The signed session, in sections, and the logins behind it.

Start with `model.Session`, which is what a view sees; `interface` moves it over the wire.
"""

from .cookies import SectionCookie
from .devices import MOST_DEVICES, Device
from .interface import SessionTooLarge, SignedSessions
from .logins import (
    LONGEST_USER_AGENT,
    NOT_VALID,
    Claim,
    NewLogin,
    Scope,
    bearer_token,
    hash_token,
    new_api_token,
    new_token,
)
from .model import BASE, SECTIONS, Session, read_as
from .named import fits, read_section, write_section
from .queries import LOGIN, end_logins, select_login

__all__ = [
    "BASE",
    "LOGIN",
    "LONGEST_USER_AGENT",
    "MOST_DEVICES",
    "NOT_VALID",
    "SECTIONS",
    "Claim",
    "Device",
    "NewLogin",
    "Scope",
    "SectionCookie",
    "Session",
    "SessionTooLarge",
    "SignedSessions",
    "bearer_token",
    "end_logins",
    "fits",
    "hash_token",
    "new_api_token",
    "new_token",
    "read_as",
    "read_section",
    "select_login",
    "write_section",
]
