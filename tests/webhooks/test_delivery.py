"""Events reach webhooks: signed, in order, again until they are taken."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from quart import Quart
from standardwebhooks import Webhook as Verifier

from service import clock, outbox
from service.audit import COMMAND_LINE
from service.outbox import OutboxEvent, Seals
from service.services import services_of
from service.settings import Settings
from service.tracing import Tracer
from service.webhooks.sending import Sender
from service.webhooks.worker import Worker
from tests.support.keys import KEY
from tests.support.shopping import add as put_in_cart
from tests.support.shopping import add_product
from tests.support.spans import kept_spans, of

Start = Callable[..., Awaitable[Quart]]


class Receiver:
    """Takes what is sent, with the status that is to be answered next; 200 without one."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.got: list[tuple[str, dict[str, Any], dict[str, str], str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
        headers = dict(line.lower().split(": ", 1) for line in head if line)
        signed = next(line for line in head if line.lower().startswith("webhook-signature"))
        headers["webhook-signature"] = signed.split(": ", 1)[1]
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        status = self.statuses.pop(0) if self.statuses else 200
        self.got.append((headers["webhook-id"], json.loads(body), headers, body))
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @property
    def told(self) -> list[str]:
        return [content["data"]["n"] for _, content, _, _ in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield found


@pytest.fixture
async def own(own_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(own_url)
    yield connection
    await connection.close()


@pytest.fixture
async def deliver(
    own_url: str, start_app: Start, settings: Settings
) -> Callable[..., Awaitable[int]]:
    """Try what is due; with ``tracing``, in the worker that traces."""
    allowed = dataclasses.replace(
        settings, database_url=own_url, webhook_private=True, webhook_http=True
    )
    untraced = await start_app(database_url=own_url)

    async def deliver(retries: tuple[float, ...] = (0.0,) * 9, *, tracing: bool = False) -> int:
        app = await start_app(database_url=own_url, tracing=True) if tracing else untraced
        chosen = dataclasses.replace(allowed, webhook_retries=retries)
        async with Sender(chosen, services_of(app).get(Tracer)) as sender:
            return await Worker(app, chosen, sender).deliver_due()

    return deliver


@asynccontextmanager
async def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> AsyncIterator[None]:
    now = clock.now() + by
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: now)
        yield


async def tell(own: Any, order: str, *texts: str) -> None:
    for text in texts:
        event = OutboxEvent("order.placed", order, clock.now(), {"n": f"{order}{text}"})
        await outbox.tell(own, event)


async def add(own: Any, url: str) -> str:
    _, secret = await outbox.add_webhook(own, Seals(KEY), COMMAND_LINE, "erp", url, http=True)
    return secret


async def test_events_arrive_signed_in_order_until_taken(
    own: Any, receiver: Receiver, deliver: Any
) -> None:
    """A repeat has the same id; what comes later of an order waits for it, others don't."""
    secret = await add(own, receiver.url)
    await tell(own, "A", "1", "2", "3")
    await tell(own, "B", "1")
    receiver.statuses = [500, 302, 204, 429]
    await deliver()
    of_a = [text for text in receiver.told if text[0] == "A"]
    assert list(dict.fromkeys(of_a)) == ["A1", "A2", "A3"]
    assert of_a == sorted(of_a)
    assert len({key for key, content, _, _ in receiver.got if content["data"]["n"] == "A1"}) == 1
    assert len(receiver.got) == 4 + 3
    for _, _, headers, body in receiver.got:
        assert Verifier(secret).verify(body, headers) == json.loads(body)


async def test_a_dead_letter_holds_its_order(own: Any, receiver: Receiver, deliver: Any) -> None:
    """After the last attempt nothing later of that order goes, until it is skipped or retried."""
    await add(own, receiver.url)
    await tell(own, "A", "1", "2")
    await tell(own, "B", "1")
    receiver.statuses = [500, 500]
    await own.execute("update deliveries set due_at = now() - interval '1 day'")
    await own.execute(
        "update deliveries set due_at = now() + interval '1 day' where subject = 'order:B'"
    )
    await deliver((0.0,))
    assert receiver.told == ["A1", "A1"]
    await own.execute("update deliveries set due_at = now()")
    await deliver((0.0,))
    assert receiver.told == ["A1", "A1", "B1"]
    (dead,) = await outbox.select_deliveries(own, state="dead", limit=9)
    assert (dead.subject, dead.attempts, dead.error) == ("order:A", 2, "answered 500")
    receiver.statuses = [500, 500]
    assert await outbox.retry_events(own, COMMAND_LINE, None, None) == 1
    await deliver((0.0,))
    assert receiver.told[3:] == ["A1", "A1"]
    assert await outbox.skip_event(own, COMMAND_LINE, dead.key, "erp") == 1
    await deliver((0.0,))
    assert receiver.told[5:] == ["A2"]


async def test_a_claim_expires(
    own: Any, receiver: Receiver, deliver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed worker had claimed is sent by another one, once the claim has expired."""
    await add(own, receiver.url)
    await tell(own, "A", "1")
    (webhook_id,) = await outbox.select_enabled(own)
    now = clock.now()
    lost = await outbox.claim_deliveries(own, webhook_id, 9, now, now + timedelta(seconds=30))
    assert len(lost) == 1
    assert await deliver() == 0
    async with later(monkeypatch, timedelta(seconds=31)):
        assert await deliver() == 1
    assert receiver.told == ["A1"]
    # What the first one has to say is no longer asked for.
    await outbox.settle_delivery(own, lost[0], "dead", outbox.Attempted(error="late"), None)
    assert await own.fetchval("select state from deliveries") == "delivered"


class Asking(Sender):
    """Sends nothing, and notes until when what it was to send is claimed."""

    def __init__(self, settings: Settings, own: Any) -> None:
        super().__init__(settings)
        self._own = own
        self.claimed_until: Any = None

    async def send(self, *_: Any) -> outbox.Attempted:
        self.claimed_until = await self._own.fetchval("select due_at from deliveries")
        return outbox.Attempted(503, "answered 503")


async def test_claims_and_retries_as_set(
    own: Any, own_url: str, start_app: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings say how long a worker has an event to itself, and when it is tried again."""
    chosen = dataclasses.replace(
        settings, webhook_timeout=3.0, webhook_claim=4.0, webhook_retries=(100.0,)
    )
    await add(own, "http://127.0.0.1:9/hook")
    await tell(own, "A", "1")
    async with later(monkeypatch, timedelta(0)), Asking(chosen, own) as sender:
        await Worker(await start_app(database_url=own_url), chosen, sender).deliver_due()
        assert sender.claimed_until == clock.now() + timedelta(seconds=3 + 4)
        due_at = await own.fetchval("select due_at from deliveries")
        assert timedelta(seconds=80) <= due_at - clock.now() <= timedelta(seconds=120)
    async with later(monkeypatch, timedelta(seconds=121)):
        await Worker(await start_app(database_url=own_url), chosen, sender).deliver_due()
    assert await own.fetchval("select state from deliveries") == "dead"


async def test_both_secrets_sign_for_a_time(
    own: Any, receiver: Receiver, deliver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rotation receivers may verify by the old secret, and later by the new one alone."""
    old = await add(own, receiver.url)
    new = await outbox.rotate_secret(own, Seals(KEY), COMMAND_LINE, "erp", timedelta(hours=1))
    assert old not in str(await own.fetch("select * from webhooks"))
    await tell(own, "A", "1")
    await deliver()
    _, _, headers, body = receiver.got[0]
    for secret in (old, new):
        assert Verifier(secret).verify(body, headers)
    async with later(monkeypatch, timedelta(hours=2)):
        await tell(own, "A", "2")
        await deliver()
    assert len(receiver.got[1][2]["webhook-signature"].split()) == 1


async def test_a_disabled_webhook_gets_it_later(own: Any, receiver: Receiver, deliver: Any) -> None:
    """What happens while a webhook is disabled waits for it."""
    await add(own, receiver.url)
    await outbox.disable_webhook(own, COMMAND_LINE, "erp")
    await tell(own, "A", "1")
    assert await deliver() == 0
    await outbox.enable_webhook(own, COMMAND_LINE, "erp")
    assert await deliver() == 1


async def test_carts_left_alone_are_told_of_on_the_way(
    own: Any, own_url: str, start_app: Start, receiver: Receiver, deliver: Any, monkeypatch: Any
) -> None:
    """The worker finds carts that nobody changed for LOCKER_CART_ABANDONED, and sends it."""
    await add(own, receiver.url)
    product = await add_product(own_url)
    client = (await start_app(database_url=own_url)).test_client()
    await put_in_cart(client, product.sku)
    assert await deliver() == 0
    async with later(monkeypatch, timedelta(hours=4)):
        assert await deliver() == 1
        assert await deliver() == 0
    (_, event, _, _) = receiver.got[0]
    assert event["type"] == "cart.abandoned"
    assert [line["sku"] for line in event["data"]["lines"]] == [product.sku]


async def test_a_delivery_is_a_trace_that_its_receiver_is_told_of(
    own: Any, receiver: Receiver, deliver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An attempt has a span, what is sent in it another, and the log's line the trace's id."""
    await add(own, receiver.url + "/a-secret?key=of-theirs")
    await tell(own, "A", "1")
    receiver.statuses = [500]
    caplog.set_level("INFO", "service.webhooks.worker")
    with kept_spans() as kept:
        await deliver(tracing=True)
    spans = kept.get_finished_spans()
    attempts = [span for span in spans if span.name == "deliver event"]
    sent = [span for span in spans if span.name == "POST"]
    assert [span.parent for span in attempts] == [None, None]
    assert [span.parent for span in sent] == [span.context for span in attempts]
    assert [of(span, "http.response.status_code", "error.type") for span in sent] == [
        (500, "500"),
        (200, None),
    ]
    told = [headers["traceparent"].split("-")[1:3] for _, _, headers, _ in receiver.got]
    ids = [span.context for span in sent]
    assert told == [[f"{each.trace_id:032x}", f"{each.span_id:016x}"] for each in ids]
    logged = [vars(line)["trace_id"] for line in caplog.records if "webhook" in line.message]
    assert logged == [trace_id for trace_id, _ in told]
    settled = [span.name for span in spans if span.parent in [each.context for each in attempts]]
    assert settled.count("UPDATE deliveries") == 2
    assert not any(
        secret in span.to_json() for span in spans for secret in ("a-secret", "of-theirs")
    )


async def test_without_tracing_no_receiver_is_told_of_a_trace(
    own: Any, receiver: Receiver, deliver: Any
) -> None:
    """What is sent has no `traceparent` then."""
    await add(own, receiver.url)
    await tell(own, "A", "1")
    await deliver()
    assert [headers.get("traceparent") for _, _, headers, _ in receiver.got] == [None]
