"""The shop's session, in sections, and the logins behind it.

The session itself is `quart_locker.Session`; `interface` says what the shop's is like.
"""

from .devices import MOST_DEVICES, Device
from .interface import SECTIONS, ShopSessions
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
from .named import fits, read_as, read_section, section_cookie, write_section
from .queries import LOGIN, end_logins, select_login

__all__ = [
    "LOGIN",
    "LONGEST_USER_AGENT",
    "MOST_DEVICES",
    "NOT_VALID",
    "SECTIONS",
    "Claim",
    "Device",
    "NewLogin",
    "Scope",
    "ShopSessions",
    "bearer_token",
    "end_logins",
    "fits",
    "hash_token",
    "new_api_token",
    "new_token",
    "read_as",
    "read_section",
    "section_cookie",
    "select_login",
    "write_section",
]
