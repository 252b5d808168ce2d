"""Spans that stay in this process, for tests that look at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.tracing import spans


@contextmanager
def kept_spans() -> Iterator[InMemorySpanExporter]:
    """Keep the spans of applications that start meanwhile."""
    exporter = InMemorySpanExporter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spans, "make_processor", lambda: SimpleSpanProcessor(exporter))
        yield exporter


def of(span: ReadableSpan, *names: str) -> tuple[Any, ...]:
    """Return some of a span's attributes."""
    found = span.attributes or {}
    return tuple(found.get(name) for name in names)
