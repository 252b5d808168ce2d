"""What is past its time, and how it goes: `locker purge`."""

from .model import Rule, rules
from .queries import count, purge

__all__ = ["Rule", "count", "purge", "rules"]
