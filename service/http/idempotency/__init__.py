"""`Idempotency-Key`: a request sent again has the answer of the first, and no other effect.

Start with `once.Once`, by which a view that writes runs its action.
"""

from .model import RETENTION, Claim, Key, KeyReused, StoredAnswer
from .queries import CLAIM_CTE, forget_cte, select_answer, upsert_answer

__all__ = [
    "CLAIM_CTE",
    "RETENTION",
    "Claim",
    "Key",
    "KeyReused",
    "StoredAnswer",
    "forget_cte",
    "select_answer",
    "upsert_answer",
]
