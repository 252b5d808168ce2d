"""The cart, of guests and of accounts. Start with `model`: the rules; then `actions`."""

from .actions import UNCONDITIONAL, CartChange, Condition, ConditionFailed, load
from .cookie import CartCookie
from .loading import (
    CartMerge,
    CartOwner,
    CartPolicy,
    LoadedCart,
    emptied,
    load_locked,
    read_merge,
)
from .merge_queries import as_read_cte, empty_joined_cte, join_carts_cte
from .merging import MergedLine, Strategy
from .model import Cart, InsufficientStock, Limits, Line, Offer
from .queries import (
    UNITS_CTE,
    KeptLine,
    conflicts,
    empty_cte,
    note_currency,
    select_kept_lines,
    tell_of_abandoned,
)

__all__ = [
    "UNCONDITIONAL",
    "UNITS_CTE",
    "Cart",
    "CartChange",
    "CartCookie",
    "CartMerge",
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
    "as_read_cte",
    "conflicts",
    "emptied",
    "empty_cte",
    "empty_joined_cte",
    "join_carts_cte",
    "load",
    "load_locked",
    "note_currency",
    "read_merge",
    "select_kept_lines",
    "tell_of_abandoned",
]
