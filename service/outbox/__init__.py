"""What other systems are told of, stored in the transaction in which it happened."""

from .model import OutboxEvent, OutboxKind
from .queries import event_cte, events_cte, tell

__all__ = ["OutboxEvent", "OutboxKind", "event_cte", "events_cte", "tell"]
