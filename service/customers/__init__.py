"""Accounts as customers: all that is kept of one, and the list that operators find them in.

It has no table of its own; each part comes from the feature that keeps it.
"""

from .actions import export
from .api_types import export_output
from .model import Export

__all__ = ["Export", "export", "export_output"]
