"""The cart, of guests and of accounts. Start with `model`: the rules; then `actions`."""

from .actions import Opened, Visitor, load, merge
from .merging import MergedLine, Strategy
from .model import Cart, Limits

__all__ = ["Cart", "Limits", "MergedLine", "Opened", "Strategy", "Visitor", "load", "merge"]
