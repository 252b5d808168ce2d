"""Spans, by OpenTelemetry's SDK: made here, named by its semantic conventions, sent by OTLP.

A trace begins with a request or with the delivery of an event, and the sampler decides there. What
belongs to it has a span only where that one is recorded, so a trace that isn't costs next to
nothing. Nothing of what a span says is secret: no value of a statement, no query string, no header
but the client's name, no text of an exception.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace import Tracer as SpanMaker
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from quart import Quart

from quart_locker.connection import CountingConnection
from service.errors import SettingsError

from .summaries import summarise
from .tracer import RECORDED, TRACE_ID, Outgoing, Tracer, read_traceparent

logger = logging.getLogger(__name__)

FLUSHED_WITHIN = 2.0
"""Seconds at the end for what hasn't been sent yet; what takes longer is lost."""
UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds, all day."""
METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
LONGEST_PATH, LONGEST_NAME = 1000, 256
"""Characters of a path, and of what a client calls itself."""
FAULT = 500
"""Statuses from here on are the service's fault."""
PORTS = {"http": 80, "https": 443}

PROPAGATOR = TraceContextTextMapPropagator()


class SpanTracer(Tracer):
    """Traces one application."""

    def __init__(self) -> None:
        self._outlet = _Outlet()
        provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        provider.add_span_processor(self._outlet)
        self._spans = provider.get_tracer("locker", version("locker"))
        self.connect = {"connection_class": traced_connection(self._spans)}

    def init_app(self, app: Quart) -> None:
        app.before_serving(self._outlet.open)
        app.after_serving(self._outlet.close)
        app.asgi_app = TracedRequests(app.asgi_app, self._spans)  # type: ignore[assignment,method-assign]

    @contextmanager
    def hashing(self) -> Iterator[None]:
        with self._within("hash password", SpanKind.INTERNAL):
            yield

    @contextmanager
    def delivering(self, message_id: str, attempt: int) -> Iterator[dict[str, str]]:
        span = self._spans.start_span(
            "deliver event",
            Context(),
            attributes={"messaging.message.id": message_id, "locker.attempt": attempt},
        )
        trace_id = _trace_id(span)
        with _ending(span):
            token = attach(set_span_in_context(span))
            try:
                yield {"trace_id": trace_id} if trace_id else {}
            finally:
                detach(token)

    @contextmanager
    def sending(self, method: str, url: str) -> Iterator[Outgoing]:
        # Of the address no more than where it leads to: a path or a query may be a password.
        parts = urlsplit(url)
        where = {
            "http.request.method": method,
            "url.scheme": parts.scheme,
            "server.address": parts.hostname or "",
            "server.port": parts.port or PORTS.get(parts.scheme, 0),
        }
        with self._within(method, SpanKind.CLIENT, where) as span:
            yield _Sent(span)

    @contextmanager
    def _within(
        self, name: str, kind: SpanKind, attributes: Mapping[str, Any] | None = None
    ) -> Iterator[Span]:
        """Make a span in the one that is going on, or none where that isn't recorded."""
        parent = get_current_span()
        if not parent.is_recording():
            yield parent
            return
        with _ending(self._spans.start_span(name, kind=kind, attributes=attributes)) as span:
            yield span


class _Sent(Outgoing):
    def __init__(self, span: Span) -> None:
        headers: dict[str, str] = {}
        PROPAGATOR.inject(headers, set_span_in_context(span, Context()))
        super().__init__(headers)
        self._span = span

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 400:  # noqa: PLR2004 - as OpenTelemetry has it for clients
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(StatusCode.ERROR)


class TracedRequests:
    """ASGI middleware: a span for each request, until the last of its answer was taken."""

    def __init__(self, app: Any, spans: SpanMaker) -> None:
        self._app = app
        self._spans = spans

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        path: str = scope.get("path", "")
        if scope["type"] != "http" or path.removeprefix(scope.get("root_path", "")) in UNTRACED:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        name = "HTTP" if method == "_OTHER" else method
        span = self._spans.start_span(name, _parent(scope), SpanKind.SERVER)
        scope[TRACE_ID] = _trace_id(span)
        if not span.is_recording():
            # Whatever comes of it finds no span either.
            await self._app(scope, receive, send)
            return
        recorded = scope[RECORDED] = _RecordedRequest(span, method, scope)
        token = attach(set_span_in_context(span, Context()))
        try:
            await self._app(scope, receive, partial(recorded.send, send))
        except Exception as error:
            _fail(span, error)
            raise
        finally:
            detach(token)
            recorded.end()


class _RecordedRequest:
    """What is known of a request, which its span is told at once when it ends."""

    def __init__(self, span: Span, method: str, scope: MutableMapping[str, Any]) -> None:
        self._span = span
        self._known: dict[str, Any] = {
            "http.request.method": method,
            "url.path": _encodable(scope["path"])[:LONGEST_PATH],
            "url.scheme": scope.get("scheme", "http"),
        }
        if scope.get("client"):
            self._known["client.address"] = scope["client"][0]
        for name, value in scope["headers"]:
            if name == b"user-agent":
                self._known["user_agent.original"] = value.decode("latin-1")[:LONGEST_NAME]
            elif name == b"host":
                self._known["server.address"] = value.decode("latin-1")[:LONGEST_NAME]

    def note(self, route: str | None, request_id: str, code: str | None) -> None:
        known = self._known
        known["locker.request_id"] = request_id
        if route is not None:
            known["http.route"] = route
            self._span.update_name(f"{known['http.request.method']} {route}")
        if code is not None:
            known["error.type"] = code

    async def send(self, send: Any, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._known["http.response.status_code"] = message["status"]
        await send(message)

    def end(self) -> None:
        known = self._known
        if known.get("http.response.status_code", 0) >= FAULT:
            known.setdefault("error.type", str(known["http.response.status_code"]))
            self._span.set_status(StatusCode.ERROR)
        else:
            # What is the client's fault is none of ours.
            known.pop("error.type", None)
        self._span.set_attributes(known)
        self._span.end()


def _parent(scope: MutableMapping[str, Any]) -> Context:
    form = read_traceparent(scope)
    if form is None:
        return Context()
    state = [value for name, value in scope["headers"] if name == b"tracestate"]
    carrier = {"traceparent": form[0].decode(), "tracestate": b",".join(state).decode("latin-1")}
    return PROPAGATOR.extract(carrier, Context())


def traced_connection(spans: SpanMaker) -> type[CountingConnection]:
    """Return the class of connections whose statements have spans."""

    class TracedConnection(CountingConnection):
        __slots__ = ()

        def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
            asked = super().execute(query, *args, **kwargs)
            # With arguments it comes by `_execute`.
            return asked if args else self._observe(query, asked)

        def _execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
            return self._observe(query, super()._execute(query, *args, **kwargs))

        def _executemany(self, query: str, *args: Any, **kwargs: Any) -> Any:
            return self._observe(query, super()._executemany(query, *args, **kwargs))

        def _observe(self, query: str, asked: Coroutine[Any, Any, Any]) -> Any:
            return self._trace(query, asked) if get_current_span().is_recording() else asked

        async def _trace(self, query: str, asked: Coroutine[Any, Any, Any]) -> Any:
            # No more than these, so not the database's name, which is always the same: to send an
            # attribute takes a fifth of what a span takes.
            span = spans.start_span(
                summarise(query),
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql", "db.query.text": query},
            )
            try:
                return await asked
            except BaseException as error:
                _fail(span, error)
                raise
            finally:
                span.end()

    return TracedConnection


@contextmanager
def _ending(span: Span) -> Iterator[Span]:
    """End the span with the block, whatever the block ends with."""
    try:
        yield span
    except BaseException as error:
        _fail(span, error)
        raise
    finally:
        span.end()


def _fail(span: Span, error: BaseException) -> None:
    """Say of what kind an error is. Its text stays out: PostgreSQL's has values in it."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate:
        span.set_attribute("db.response.status_code", sqlstate)
    span.set_attribute("error.type", sqlstate or type(error).__qualname__)
    span.set_status(StatusCode.ERROR)


def _trace_id(span: Span) -> str | None:
    context = span.get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def _encodable(text: str) -> str:
    """Return what UTF-8 can say of a text: with half a surrogate a whole batch would be lost."""
    return text.encode("utf-8", "replace").decode()


def _resource() -> Resource:
    given = OTELResourceDetector().detect().attributes
    return Resource.create(
        {"service.name": "locker", "service.version": version("locker"), **given}
    )


class _Outlet(SpanProcessor):
    """Where spans go while the application runs."""

    def __init__(self) -> None:
        self._to: SpanProcessor | None = None

    def on_end(self, span: ReadableSpan) -> None:
        if self._to is not None:
            self._to.on_end(span)

    async def open(self) -> None:
        """Raises `SettingsError` where OpenTelemetry's own settings don't allow it."""
        try:
            self._to = make_processor()
        except ValueError as error:
            raise SettingsError(f"LOCKER_TRACING: {error}") from None

    async def close(self) -> None:
        """Send what there is; in a thread that a receiver which isn't there can't hold up."""
        processor, self._to = self._to, None
        if processor is None:
            return
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def flush() -> None:
            processor.shutdown()
            if not loop.is_closed():
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=flush, name="last spans", daemon=True).start()
        try:
            async with asyncio.timeout(FLUSHED_WITHIN):
                await sent.wait()
        except TimeoutError:
            logger.warning("the last spans could not be sent in time and are lost")


def make_processor() -> SpanProcessor:
    """Return what sends spans, from a thread, as OpenTelemetry's variables say."""
    return BatchSpanProcessor(OTLPSpanExporter())
