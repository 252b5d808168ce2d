"""`Idempotency-Key`: a request sent again has the answer of the first, and no other effect.

Start with `api.once`, which a view that writes runs its action by.
"""

from .model import Key, KeyReused, Outcome
from .queries import RETENTION, select_outcome, upsert_outcome

__all__ = [
    "RETENTION",
    "Key",
    "KeyReused",
    "Outcome",
    "select_outcome",
    "upsert_outcome",
]
