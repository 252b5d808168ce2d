"""`Idempotency-Key`: a request sent again has the answer of the first, and no other effect.

Start with `api.once`, which a view that writes runs its action by.
"""

from .model import KeyReused, Outcome
from .queries import RETENTION

__all__ = ["RETENTION", "KeyReused", "Outcome"]
