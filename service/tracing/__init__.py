"""Traces, by OpenTelemetry: spans of requests, statements, hashes and webhooks; off by default.

Start with `tracer.Tracer`, which makes none; `spans` has the one that does.
"""

from __future__ import annotations

from service.errors import SettingsError
from service.settings import Settings

from .tracer import RECORDED, Outgoing, Recorded, Tracer, read_trace_id

__all__ = ["RECORDED", "Outgoing", "Recorded", "Tracer", "read_trace_id", "start_tracing"]

MISSING = "LOCKER_TRACING needs OpenTelemetry: pip install 'locker[otel]', or turn it off"


def start_tracing(settings: Settings) -> Tracer:
    """Return what traces as the settings say; raises `SettingsError` where it isn't installed."""
    if not settings.tracing:
        return Tracer()
    try:
        from .spans import SpanTracer  # noqa: PLC0415 - an extra, and 0.2 s of a start
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        raise SettingsError(MISSING) from None
    return SpanTracer()
