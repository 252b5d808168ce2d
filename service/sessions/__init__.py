"""The shop's session, in sections.

The session itself is `quart_locker.Session`; `interface` says what the shop's is like.
"""

from .bearer import CART_HEADER, TokenRequest
from .interface import SECTIONS, ShopSessions
from .named import fits, read_as, read_section, section_cookie, write_section

__all__ = [
    "CART_HEADER",
    "SECTIONS",
    "ShopSessions",
    "TokenRequest",
    "fits",
    "read_as",
    "read_section",
    "section_cookie",
    "write_section",
]
