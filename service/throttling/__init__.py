"""Bounds on guessing: per account, per address, and overall, the same over all processes."""

from .model import Attempt, Throttle, network
from .queries import Counted, count_attempt, counting, forgive, forgiving

__all__ = [
    "Attempt",
    "Counted",
    "Throttle",
    "count_attempt",
    "counting",
    "forgive",
    "forgiving",
    "network",
]
