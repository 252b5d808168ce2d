"""What a request's trace has: itself, its statements, its hashes; and nothing that is secret."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id
from quart import Quart

from service.database import get_db
from service.tracing.summaries import summarise
from tests.conventions.test_statements import statements
from tests.support.shopping import API, PASSWORD, Product, add, log_in, new_name, register
from tests.support.spans import kept_spans, of

Start = Callable[..., Awaitable[Quart]]

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-00"}


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    with kept_spans() as exporter:
        yield exporter


@pytest.fixture
async def traced(start_app: Start, kept: InMemorySpanExporter) -> Quart:
    """The service with tracing, and a view of which the statement fails."""

    def prepare(app: Quart) -> None:
        @app.get("/fails")
        async def fail() -> str:
            db = await get_db()
            await db.execute("insert into accounts (username) values ($1)", "a secret value")
            return "never"

    return await start_app(prepare, tracing=True)


async def test_a_request_and_its_statements_are_one_trace(
    traced: Quart, kept: InMemorySpanExporter, product: Product
) -> None:
    """The request is in the trace that it says, and its statements are in it."""
    await traced.test_client().get(
        f"{API}/products/{product.handle}", headers={**SAMPLED, "tracestate": "vendor=1"}
    )
    *_, statement, request = kept.get_finished_spans()
    assert request.name == "GET /api/v1/products/<text:handle>"
    assert request.kind is SpanKind.SERVER
    assert request.parent
    assert format_span_id(request.parent.span_id) == SPAN
    assert request.context.trace_state.to_header() == "vendor=1"
    names = ("http.request.method", "http.route", "url.path", "http.response.status_code")
    path = f"/api/v1/products/{product.handle}"
    assert of(request, *names) == ("GET", "/api/v1/products/<text:handle>", path, 200)
    assert request.resource.attributes["service.name"] == "locker"
    assert statement.name == "SELECT catalogue"
    assert statement.kind is SpanKind.CLIENT
    assert statement.parent == request.context
    system, text = of(statement, "db.system.name", "db.query.text")
    assert system == "postgresql"
    assert "from catalogue" in text
    assert {format_trace_id(each.context.trace_id) for each in (statement, request)} == {TRACE}


async def test_hashes_and_transactions_are_in_it(traced: Quart, kept: InMemorySpanExporter) -> None:
    """A registration has its hash, and the beginning and the end of its transaction."""
    await register(traced.test_client())
    *within, request = kept.get_finished_spans()
    assert request.parent is None
    assert {"hash password", "BEGIN", "COMMIT"} <= {each.name for each in within}
    assert all(each.parent == request.context for each in within)


@pytest.mark.parametrize("headers", [UNSAMPLED, {}])
async def test_what_is_not_sampled_has_no_span(
    start_app: Start,
    kept: InMemorySpanExporter,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
) -> None:
    """A request whose caller doesn't record has none, nor one that the sampler leaves out."""
    if not headers:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    app = await start_app(tracing=True)
    response = await app.test_client().get(f"{API}/products/{product.handle}", headers=headers)
    assert response.status_code == 200
    assert kept.get_finished_spans() == ()


async def test_what_no_request_asks_for_has_no_span(
    traced: Quart, kept: InMemorySpanExporter
) -> None:
    """Probes, and statements outside of requests and deliveries, begin no traces."""
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await traced.test_client().get(path)).status_code == 200
    async with traced.app_context():
        await (await get_db()).execute("select 1")
    assert kept.get_finished_spans() == ()


async def test_failures_are_named_without_their_text(
    traced: Quart, kept: InMemorySpanExporter
) -> None:
    """What failed is an error by its kind; its text, which has values in it, is nowhere."""
    response = await traced.test_client().get("/fails")
    assert response.status_code == 500
    *_, statement, request = kept.get_finished_spans()
    violated = asyncpg.NotNullViolationError.sqlstate
    assert of(statement, "error.type", "db.response.status_code") == (violated, violated)
    assert of(request, "error.type", "http.response.status_code") == ("internal", 500)
    for span in (statement, request):
        assert span.status.status_code is StatusCode.ERROR
        assert "a secret value" not in span.to_json()
        assert span.events == ()


async def test_a_client_s_mistake_is_no_error(traced: Quart, kept: InMemorySpanExporter) -> None:
    """A 404 is an answer like another, and what has no route is named by its method alone."""
    await traced.test_client().get("/nothing/here")
    (request,) = kept.get_finished_spans()
    assert request.name == "GET"
    assert request.status.status_code is StatusCode.UNSET
    assert of(request, "http.response.status_code", "http.route") == (404, None)


async def test_nothing_secret_is_in_a_span(
    traced: Quart, kept: InMemorySpanExporter, product: Product
) -> None:
    """No password, no cookie, no address, no name and no query string."""
    client, name = traced.test_client(), new_name()
    await register(client, name)
    await add(client, product.sku)
    await client.delete(f"{API}/session")
    await log_in(client, name)
    await client.get(f"{API}/products?q=what-was-typed", headers={"Authorization": "Bearer nobody"})
    said = "".join(span.to_json() for span in kept.get_finished_spans())
    assert "hash password" in said
    values = [cookie.value for cookie in client.cookie_jar or ()]
    assert values
    for secret in (PASSWORD, name, "what-was-typed", "nobody", *filter(None, values)):
        assert secret not in said


async def test_awkward_requests_can_be_encoded(traced: Quart, kept: InMemorySpanExporter) -> None:
    """Whatever a client sends, its span can be said in UTF-8, and is of bounded size."""
    headers = {"User-Agent": "\xff" * 4000, "Host": "localhost"}
    await traced.test_client().get("/%ed%a0%80" + "x" * 4000, headers=headers)
    await traced.test_client().open("/", method="QUERULOUS", json={})
    one, two = kept.get_finished_spans()
    assert len(one.to_json().encode()) < 4000
    assert two.name == "HTTP"
    assert of(two, "http.request.method") == ("_OTHER",)


async def test_summaries_name_tables(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """A statement's summary names what it does, and tables and views that there are."""
    rows = await db.fetch("select relname from pg_class where relkind in ('r', 'v')")
    tables = {row["relname"] for row in rows}
    odd = {
        f"{name}: {summary}"
        for (_, name), statement in statements().items()
        if (summary := summarise(statement.text))
        and {word for word in summary.split() if not word.isupper()} - tables
    }
    assert odd == set()
    named = [len(summarise(each.text).split()) > 1 for each in statements().values()]
    assert sum(named) > 0.9 * len(named)
