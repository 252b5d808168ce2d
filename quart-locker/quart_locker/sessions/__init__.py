"""The signed session, in sections.

Start with `model.Session`, which is what a view sees; `interface` moves it over the wire.
"""

from .cookies import BROWSER_LIMIT, SectionCookie
from .interface import SectionedSessions
from .jar import SessionTooLarge
from .model import BASE, Session

__all__ = [
    "BASE",
    "BROWSER_LIMIT",
    "SectionCookie",
    "SectionedSessions",
    "Session",
    "SessionTooLarge",
]
