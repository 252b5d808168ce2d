"""How far a standby is behind, and a service that has no good one (`tests/database`: real ones)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from quart import Quart

from service import metrics, standby
from service.settings import Settings
from service.standby import Behind
from tests.support.shopping import Product, get

StartApp = Callable[..., Awaitable[Quart]]

AWAY = "postgresql://127.0.0.1:1/locker"


def asked() -> float:
    return float(metrics.standby_reads.labels("primary")._value.get())


@pytest.mark.parametrize(
    ("url", "why"),
    [(AWAY, "Connect call failed"), ("", "it is no standby")],
    ids=["nothing there", "the primary itself"],
)
async def test_without_a_good_one_the_primary_answers(
    start_app: StartApp,
    settings: Settings,
    product: Product,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    why: str,
) -> None:
    """A standby that isn't there, or is none, costs a line in the log, and nobody notices."""
    monkeypatch.setattr(standby, "WITHIN", 30.0)
    app = await start_app(standby_url=url or settings.database_url)
    while not any(why in message for message in caplog.messages):  # noqa: ASYNC110 - nobody says when
        await asyncio.sleep(0.01)
    before = asked()
    client = app.test_client()
    listed = await get(client, f"/products?q={product.sku}")
    assert [each["handle"] for each in listed["products"]] == [product.handle]
    assert (await client.get("/")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    assert asked() >= before + 3
    said = len(caplog.messages)
    await get(client, "/product-types")
    assert len(caplog.messages) == said


def test_how_far_behind_is_never_said_too_low() -> None:
    """It is counted from the last moment of which the standby surely has everything."""
    behind = Behind()
    assert behind.at(5.0) == float("inf")
    for moment, position in ((10.0, 100), (11.0, 200), (12.0, 200), (13.0, 300)):
        behind.note(moment, position)
    behind.reach(99)
    assert behind.at(14.0) == float("inf")
    behind.reach(250)
    assert behind.at(14.0) == 2.0
    behind.reach(300)
    assert behind.at(14.0) == 1.0
    behind.note(15.0, 250)
    assert behind.at(15.0) == float("inf"), "another primary, which lacks what this one had"
    behind.reach(250)
    assert behind.at(15.5) == 0.5
    behind.forget()
    assert behind.at(16.0) == float("inf")
