"""Orders: what was in a cart, bought once. Start with `actions.place`; `model` has the rules."""

from .actions import fulfil, history, show
from .details import Details
from .model import Order, OrderPage, OrderStatus
from .numbers import new_number, read_number

__all__ = [
    "Details",
    "Order",
    "OrderPage",
    "OrderStatus",
    "fulfil",
    "history",
    "new_number",
    "read_number",
    "show",
]
