"""What waits for the next page fits its cookie, whatever it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart

from service.pages import flash, keep_receipt, keep_secret, take_secret
from service.pages.messages import LONGEST, take_messages, take_receipt


def noise(seed: int) -> str:
    """Text that no compression makes small."""
    return "".join(
        chr(0x4E00 + (seed * 7919 + place**3 * 131) % 20_000) for place in range(LONGEST)
    )


@pytest.mark.parametrize("text", [noise, lambda _: "a", lambda seed: f"{seed}" + "🛒" * 400])
async def test_messages_and_receipts_fit(
    start_app: Callable[..., Awaitable[Quart]], text: Callable[[int], str]
) -> None:
    """Messages, a receipt and a secret in any script are kept as far as a cookie holds them."""

    def prepare(app: Quart) -> None:
        @app.get("/keep")
        async def keep() -> str:
            keep_secret("a secret")
            keep_receipt([(text(number)[:64], 1, 2, 3, "added") for number in range(40)])
            for number in range(10):
                flash(text(number))
            return ""

        @app.get("/take")
        async def take() -> dict[str, Any]:
            receipt = take_receipt()
            said = [message.text for message in take_messages().get("", [])]
            return {"secret": take_secret(), "said": said, "lines": bool(receipt)}

    client = (await start_app(prepare)).test_client()
    assert (await client.get("/keep")).status_code == 200
    taken = await (await client.get("/take")).get_json()
    assert taken["secret"] == "a secret"
    assert taken["said"][-1] == text(9)[:LONGEST]
    found = await (await client.get("/take")).get_json()
    assert found == {"secret": "", "said": [], "lines": False}
    assert "session-flash" not in {cookie.name for cookie in client.cookie_jar or ()}
