"""What a shopper prefers: a guest's in the session, an account's in a row."""

from .model import Choices, Preferences, fill, from_section
from .queries import choices_of, fill_cte

__all__ = ["Choices", "Preferences", "choices_of", "fill", "fill_cte", "from_section"]
