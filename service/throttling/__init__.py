"""Bounds on guessing: per account, per address, and overall, the same over all processes."""

from .model import Attempt, Throttle, network
from .queries import Counted, count_attempt, forgive, forgiving, throttle_cte

__all__ = [
    "Attempt",
    "Counted",
    "Throttle",
    "count_attempt",
    "forgive",
    "forgiving",
    "network",
    "throttle_cte",
]
