"""Bounds on guessing: per account, per address, and overall, the same over all processes."""

from .model import Attempt, Throttle, network
from .queries import ThrottleResult, count_attempt, refund, refund_cte, throttle_cte

__all__ = [
    "Attempt",
    "Throttle",
    "ThrottleResult",
    "count_attempt",
    "network",
    "refund",
    "refund_cte",
    "throttle_cte",
]
