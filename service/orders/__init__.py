"""Orders: what was in a cart, bought once. Start with `actions.place`; `model` has the rules."""

from .actions import history, show
from .admin import cancel, fulfil, note, search
from .details import LONGEST_NOTE, Details
from .model import (
    LONGEST_TRACKING,
    MOST_UNITS,
    LineOutcome,
    NotCancellable,
    NotFulfillable,
    Order,
    OrderPage,
    OrderStatus,
)
from .numbers import new_number, read_number

__all__ = [
    "LONGEST_NOTE",
    "LONGEST_TRACKING",
    "MOST_UNITS",
    "Details",
    "LineOutcome",
    "NotCancellable",
    "NotFulfillable",
    "Order",
    "OrderPage",
    "OrderStatus",
    "cancel",
    "fulfil",
    "history",
    "new_number",
    "note",
    "read_number",
    "search",
    "show",
]
