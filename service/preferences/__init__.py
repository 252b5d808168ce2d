"""What a shopper prefers: a guest's in the session, an account's in a row."""

from .model import Choices, Preferences, fill, from_section
from .queries import choices_of

__all__ = ["Choices", "Preferences", "choices_of", "fill", "from_section"]
