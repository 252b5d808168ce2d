"""How traces are turned on, where they go, and the ids in the log without them."""

from __future__ import annotations

import dataclasses
import json
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service import create_app
from service.errors import SettingsError
from service.settings import Settings
from service.tracing import read_trace_id, spans
from service.tracing.tracer import TRACE_ID
from tests.support.serving import serve

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


class Collector(ThreadingHTTPServer):
    """Takes what OpenTelemetry's exporters send by HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.got: list[tuple[str, ExportTraceServiceRequest]] = []


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        message = ExportTraceServiceRequest()
        message.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, message))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_spans_arrive_before_the_end(settings: Settings, collector: Collector) -> None:
    """What was traced is sent by OTLP, the last of it when the service stops.

    The log's line of each request has the id of its trace.
    """
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SERVICE_NAME": "shop"}
    changed = dataclasses.replace(
        settings, environment="production", secure_cookies=True, tracing=True
    )
    with serve(changed, program="locker", environ=environ) as served:
        httpx.get(f"{served.url}/api/v1/products", headers={"traceparent": GOOD})
        httpx.get(f"{served.url}/nothing")
        assert served.stop() == 0
        lines = [json.loads(line) for line in served.log().splitlines()]
    ids = {line["path"]: line["trace_id"] for line in lines if line["event"] == "request"}
    ((path, message),) = collector.got
    assert path == "/v1/traces"
    (of_resource,) = message.resource_spans
    named = {each.key: each.value.string_value for each in of_resource.resource.attributes}
    assert named["service.name"] == "shop"
    sent = [span for scope in of_resource.scope_spans for span in scope.spans]
    assert ids["/api/v1/products"] == TRACE
    assert {span.trace_id.hex() for span in sent} == set(ids.values())
    assert {"GET /api/v1/products", "GET"} <= {span.name for span in sent}


async def test_a_collector_that_is_away_holds_nothing_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests are answered, and the end waits for a moment only and says what is lost."""
    monkeypatch.setattr(spans, "FLUSHED_WITHIN", 0.1)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens here, and nobody else can
        port = held.getsockname()[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        app = create_app(dataclasses.replace(settings, tracing=True))
        async with app.test_app():
            assert (await app.test_client().get("/api/v1/products")).status_code == 200
    assert "the last spans could not be sent in time and are lost" in caplog.messages


async def test_it_may_be_started_again(
    settings: Settings, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application that was stopped traces again after its next start."""
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    app = create_app(dataclasses.replace(settings, tracing=True))
    for number in (1, 2):
        async with app.test_app():
            await app.test_client().get("/nothing")
        assert len(collector.got) == number


async def test_opentelemetry_s_own_settings_may_be_wrong(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What OpenTelemetry can't use of its variables stops the start, and is said."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "3")
    app = create_app(dataclasses.replace(settings, tracing=True))
    with pytest.raises(SettingsError, match=r"LOCKER_TRACING: .*max_queue_size"):
        await app.startup()
    await app.shutdown()


def test_without_the_extra_it_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where OpenTelemetry isn't installed, the setting stops the start; without it nothing does."""
    for name in [*sys.modules]:
        if name.startswith("opentelemetry"):
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "service.tracing.spans", raising=False)
    create_app(settings)
    with pytest.raises(SettingsError, match=r"LOCKER_TRACING .*pip install 'locker\[otel\]'"):
        create_app(dataclasses.replace(settings, tracing=True))


@pytest.mark.parametrize(
    ("headers", "trace_id"),
    [
        ([GOOD], TRACE),
        ([f" {GOOD}\t"], TRACE),
        ([f"01-{TRACE}-{SPAN}-01-more"], TRACE),
        ([], None),
        ([GOOD, GOOD], None),
        ([f"{GOOD}-more"], None),
        ([f"ff-{TRACE}-{SPAN}-01"], None),
        ([f"00-{'0' * 32}-{SPAN}-01"], None),
        ([f"00-{TRACE}-{'0' * 16}-01"], None),
        ([f"00-{TRACE.upper()}-{SPAN}-01"], None),
        ([f"01-{TRACE}-{SPAN}-01-{'x' * 600}"], None),
        (["\xff\n"], None),
    ],
)
def test_a_traceparent_counts_if_it_is_valid(headers: list[str], trace_id: str | None) -> None:
    """One that W3C's recommendation doesn't allow is as none; a trace of ours comes first."""
    scope: dict[str, Any] = {
        "headers": [(b"traceparent", each.encode("latin-1")) for each in headers]
    }
    assert read_trace_id(scope) == trace_id
    assert read_trace_id({**scope, TRACE_ID: "ours"}) == "ours"
