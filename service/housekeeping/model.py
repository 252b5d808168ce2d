"""What the database need not keep for ever, and when it goes. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from service.http.idempotency import RETENTION
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows that go once the time in a column is ``after`` ago. The SQL is ours, never input.

    An index on ``column``, where ``condition`` holds, makes this cheap. With a ``change`` the rows
    stay, and that is done to them, after which the condition holds no more.
    """

    what: str
    table: str
    column: str
    after: timedelta
    condition: str = "true"
    change: str = ""


def rules(settings: Settings) -> tuple[Rule, ...]:
    """Return what goes, and when."""
    unused = timedelta(seconds=settings.section_idle)
    over = timedelta(seconds=settings.section_lifetime)
    guests = timedelta(days=settings.guest_order_days)
    return (
        # The browser's snapshot ends with disuse as well, and heals the cart if it was too soon. A
        # cart whose lines are still to follow into an account's waits for that.
        Rule(
            "guests' carts",
            "carts",
            "updated_at",
            unused,
            "account_id is null and merged_into is null and lines <> '[]'",
        ),
        # Their shoppers emptied these, and no snapshot may bring back what was in them: so they
        # stay for as long as any cookie that names them can last.
        Rule(
            "guests' empty carts",
            "carts",
            "updated_at",
            over,
            "account_id is null and lines = '[]'",
        ),
        # No cookie is left that could bring back what they had.
        Rule("marks of deleted accounts", "deleted_accounts", "deleted_at", over),
        Rule("expired logins", "logins", "expires_at", timedelta(0)),
        # Requests that began before the end of a login may still be under way.
        Rule(
            "ended logins",
            "logins",
            "ended_at",
            timedelta(seconds=settings.merge_window),
            "ended_at is not null",
        ),
        # No cookie that names one is taken any longer.
        Rule("devices", "devices", "used_at", unused),
        Rule("counts of attempts", "attempts", "ends_at", timedelta(0)),
        Rule("audit records", "audit", "at", timedelta(days=settings.audit_days)),
        # With their deliveries, those that nobody took among them: so the outbox is bounded.
        Rule("events", "events", "at", timedelta(days=settings.event_days)),
        Rule("idempotency keys", "idempotency_keys", "created_at", RETENTION),
        # Without its key an order is nobody's, and triggers take the person out of it, as where an
        # account is deleted.
        *(
            [
                Rule(
                    "contacts of guests' orders",
                    "orders",
                    "placed_at",
                    guests,
                    "key_hash is not null and status in ('fulfilled', 'cancelled')",
                    change="key_hash = null, status = status",
                )
            ]
            if guests
            else []
        ),
    )
