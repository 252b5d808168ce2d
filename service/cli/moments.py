"""Days and moments as arguments."""

from __future__ import annotations

from datetime import UTC, datetime

import click


class MomentType(click.ParamType[datetime]):
    """A day, or a moment in the form of ISO 8601; without an offset it is in UTC."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment; a day is its beginning."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value))
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            message = f"{value} is no day or moment, such as 2026-11-26 or 2026-11-26T06:00"
            self.fail(message, param, ctx)


MOMENT = MomentType()
