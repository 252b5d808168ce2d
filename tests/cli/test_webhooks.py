"""`locker webhooks`, `locker events` and `locker worker`."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import asyncpg
from standardwebhooks import Webhook as Verifier

from service import clock, outbox
from service.outbox import OutboxEvent
from tests.support.commands import Locker


class Hook(BaseHTTPRequestHandler):
    """Takes what is sent, and notes it."""

    got: list[tuple[str, dict[str, str]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.got.append((body, dict(self.headers)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
        pass


async def test_an_event_is_delivered(locker: Locker, url: str) -> None:
    """From adding a webhook to its removal: what a user runs, and a program reads."""
    Hook.got = []
    server = HTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/"
        added = locker("webhooks", "add", "erp", address, "--event", "order.placed")
        assert added.status == 0, added.errors
        secret = added.output.strip()
        assert locker("webhooks", "add", "erp", address).status == 1
        assert locker("webhooks", "add", "bad", "ftp://x").status == 1
        assert "Delivered" in locker("webhooks", "test", "erp").output
        db = await asyncpg.connect(url)
        for kind in ("order.placed", "order.cancelled"):
            event = OutboxEvent(kind, "K7Q2", clock.now(), {"number": "K7Q2"})
            await outbox.tell(db, event)
        await db.close()
        (listed,) = locker("webhooks", "list", "--json").output.splitlines()
        assert json.loads(listed)["waiting"] == 1
        assert locker("worker", "--once").status == 0
        tested, placed = (Verifier(secret).verify(*each) for each in Hook.got)
        assert (tested["type"], placed["type"]) == ("webhook.test", "order.placed")
    finally:
        server.shutdown()
        server.server_close()
    told = [json.loads(line) for line in locker("events", "tail", "--json").output.splitlines()]
    assert [each["type"] for each in told] == ["order.placed", "order.cancelled"]
    rest = locker("events", "tail", "--json", "--after", told[0]["id"]).output
    assert json.loads(rest)["id"] == told[1]["id"]
    listing = locker("events", "list", "--json", "--state", "delivered").output
    assert json.loads(listing)["id"] == told[0]["id"]
    assert locker("events", "retry", told[0]["id"]).status == 1
    assert locker("events", "skip", "evt_nothing").status == 1
    assert locker("webhooks", "rotate", "erp").output.startswith("whsec_")
    for act in ("disable", "enable", "remove"):
        assert locker("webhooks", act, "erp").status == 0
    assert locker("webhooks", "disable", "erp").status == 1
    assert "webhook_removed" in locker("audit").output
