"""The cart, of guests and of accounts. Start with `model`: the rules; then `actions`."""

from .actions import UNCONDITIONAL, Condition, Mismatch, load
from .merging import MergedLine, Strategy
from .model import Cart, InsufficientStock, Limits, Line, Offer, clear
from .opening import Opened, Policy, Visitor, merge, open_locked, store
from .queries import note_currency
from .section import Remembered

__all__ = [
    "UNCONDITIONAL",
    "Cart",
    "Condition",
    "InsufficientStock",
    "Limits",
    "Line",
    "MergedLine",
    "Mismatch",
    "Offer",
    "Opened",
    "Policy",
    "Remembered",
    "Strategy",
    "Visitor",
    "clear",
    "load",
    "merge",
    "note_currency",
    "open_locked",
    "store",
]
