"""What a shopper prefers: a guest's in the session, an account's in a row."""

from .model import Choices, Preferences, fill, from_section

__all__ = ["Choices", "Preferences", "fill", "from_section"]
