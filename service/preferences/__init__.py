"""What a shopper prefers: a guest's in the session, an account's in a row."""

from .model import Choices, KeptChoices, Preferences, fill, from_section
from .queries import choices_of, fill_cte, select_kept

__all__ = [
    "Choices",
    "KeptChoices",
    "Preferences",
    "choices_of",
    "fill",
    "fill_cte",
    "from_section",
    "select_kept",
]
