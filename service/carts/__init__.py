"""The cart, of guests and of accounts. Start with `model`: the rules; then `actions`."""

from .actions import UNCONDITIONAL, CartChange, Condition, ConditionFailed, load
from .cookie import CartCookie
from .loading import CartOwner, CartPolicy, LoadedCart, load_locked, merge, store
from .merge_queries import empty_joined_cte
from .merging import MergedLine, Strategy
from .model import Cart, InsufficientStock, Limits, Line, Offer, clear
from .queries import UNITS_CTE, KeptLine, note_currency, select_kept_lines, tell_of_abandoned

__all__ = [
    "UNCONDITIONAL",
    "UNITS_CTE",
    "Cart",
    "CartChange",
    "CartCookie",
    "CartOwner",
    "CartPolicy",
    "Condition",
    "ConditionFailed",
    "InsufficientStock",
    "KeptLine",
    "Limits",
    "Line",
    "LoadedCart",
    "MergedLine",
    "Offer",
    "Strategy",
    "clear",
    "empty_joined_cte",
    "load",
    "load_locked",
    "merge",
    "note_currency",
    "select_kept_lines",
    "store",
    "tell_of_abandoned",
]
