"""The shop's session, in sections.

The session itself is `quart_locker.Session`; `interface` says what the shop's is like.
"""

from .bearer import bearer_token
from .interface import SECTIONS, ShopSessions
from .named import fits, read_as, read_section, section_cookie, write_section

__all__ = [
    "SECTIONS",
    "ShopSessions",
    "bearer_token",
    "fits",
    "read_as",
    "read_section",
    "section_cookie",
    "write_section",
]
