"""What the operator can set, where it is read from, and what it may be."""

from .database_url import CERTIFICATES, read_address
from .environment import PREFIX, Limit
from .keys import is_guessable
from .model import Settings, currencies, misspelt, sources

__all__ = [
    "CERTIFICATES",
    "PREFIX",
    "Limit",
    "Settings",
    "currencies",
    "is_guessable",
    "misspelt",
    "read_address",
    "sources",
]
