"""What other systems are told of. No I/O.

Events say what happened to what, and never to whom: they name orders, accounts and SKUs, no
person. So a receiver learns no more than it asks for, and nothing has to be taken back when an
account is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

OutboxKind = Literal[
    "order.placed",
    "order.fulfilled",
    "order.cancelled",
    "account.registered",
    "account.deleted",
    "cart.abandoned",
    "stock.low",
]


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """Something to tell; what is ``about`` the same thing is told in the order it happened in.

    ``data`` is what JSON can say, times and ids included.
    """

    kind: OutboxKind
    about: str
    at: datetime
    data: Mapping[str, Any]

    @property
    def subject(self) -> str:
        return f"{self.kind.partition('.')[0]}:{self.about}"

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `queries.event_cte`."""
        return {
            "told_kind": self.kind,
            "told_subject": self.subject,
            "told_at": self.at,
            "told_data": msgspec.json.encode(self.data).decode(),
        }
