"""What is counted can be read."""

from __future__ import annotations

from quart import Quart


async def test_requests_are_counted_by_route(app: Quart) -> None:
    """Requests are counted by route and status: what strangers ask for doesn't pile up."""
    client = app.test_client()
    await client.get("/api/v1/products/no-such-product")
    await client.get("/no/such/path")
    text = await (await client.get("/metrics")).get_data(as_text=True)
    counted = 'method="GET",route="/api/v1/products/<text:handle>",status="404"'
    assert f"locker_request_seconds_count{{{counted}}}" in text
    assert "no-such-product" not in text
    assert "/no/such/path" not in text
