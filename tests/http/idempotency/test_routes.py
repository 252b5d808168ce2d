"""Which routes take an `Idempotency-Key`."""

from __future__ import annotations

from quart import Quart

from service.http.idempotency.model import HEADER


async def test_every_post_that_writes_takes_a_key(app: Quart) -> None:
    """All of the API's but two, which may be repeated as they are: log in, and a new cart for apps.

    Who asks for such a cart is nobody yet that a key could belong to, and a second one is empty.
    """
    without = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        and "POST" in (rule.methods or ())
        and HEADER not in vars(app.view_functions[rule.endpoint])["operation"].headers
    }
    assert without == {"/api/v1/session", "/api/v1/carts"}
