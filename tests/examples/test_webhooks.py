"""The examples of receivers."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from tests.examples.conftest import Start, serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def send(url: str, event_id: str, *, secret: str = SECRET, number: str = "K7RX-3MD3") -> int:
    """Send an event as the shop does; returns the status."""
    body, now = json.dumps({"type": "order.placed", "data": {"number": number}}), datetime.now(UTC)
    headers = {
        "Webhook-Id": event_id,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(secret).sign(event_id, now, body),
    }
    return httpx.post(f"{url}/hooks", content=body, headers=headers).status_code


@pytest.mark.parametrize(("program", "taken"), [("receiver", 204), ("to_queue", 202)])
def test_what_is_signed_is_taken(
    start: Start, capfd: pytest.CaptureFixture[str], program: str, taken: int
) -> None:
    """An event of the shop is taken and worked off; what another signed is refused."""
    with start("webhooks", *serve(f"{program}:app"), WEBHOOK_SECRET=SECRET) as url:
        forged = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        assert send(url, "evt_0", secret=forged, number="FORGED") == 400
        assert httpx.post(f"{url}/hooks", content=b"{}").status_code == 400
        assert send(url, "evt_1") == taken
        assert send(url, "evt_1") == taken
    printed = capfd.readouterr().err
    assert "FORGED" not in printed
    assert printed.count("K7RX-3MD3") == (1 if program == "receiver" else 2)
