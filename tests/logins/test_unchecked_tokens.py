"""A token is checked before anything is answered to it, whatever a view does or forgets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from service.http.endpoints import Caller, no_content, operation
from service.logins import hash_token, presented_login
from tests.support.bad_input import UNKNOWN_TOKENS
from tests.support.shopping import API, make_token, register

StartApp = Callable[..., Awaitable[Quart]]


@pytest.fixture
async def app(start_app: StartApp) -> Quart:
    """The service for one test alone, which adds a view to it."""
    return await start_app()


@pytest.fixture
def stranger(app: Quart) -> Client:
    """A client without cookies."""
    return app.test_client(use_cookies=False)


@pytest.mark.parametrize("token", UNKNOWN_TOKENS)
@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/cart/lines", {"Idempotency-Key": "a b"}, {"sku": "x"}),
        ("POST", "/cart/lines", {"Idempotency-Key": "k"}, {"sku": "no such sku"}),
        ("PUT", "/cart/lines/no-such-sku", {}, {"quantity": 1}),
        ("DELETE", "/cart/lines/no-such-sku", {}, None),
        ("DELETE", "/cart", {"If-Match": '"none"'}, None),
    ],
)
async def test_invalid_token_is_401_whatever_else_is_wrong(
    app: Quart, token: str, method: str, path: str, headers: dict[str, str], body: Any
) -> None:
    """What else is wrong with a request isn't told to whoever has no valid token."""
    response = await app.test_client().open(
        f"{API}{path}",
        method=method,
        json=body,
        headers={"Authorization": f"Bearer {token}", **headers},
    )
    assert response.status_code == 401
    assert (await response.get_json())["code"] == "unauthenticated"


@operation(Caller.ANYONE, answers={204: None}, checks_token_itself=True)
async def forgetful() -> Response:
    """Answer without a look at who asks."""
    return no_content()


@operation(Caller.ANYONE, answers={204: None}, checks_token_itself=True)
async def half_forgetful() -> Response:
    """Read who asks, and answer without having it checked."""
    assert presented_login()
    return no_content()


@pytest.mark.parametrize("view", [forgetful, half_forgetful])
@pytest.mark.parametrize("is_valid", [False, True])
async def test_a_view_that_forgets_to_check_a_token_answers_none(
    app: Quart,
    client: Client,
    stranger: Client,
    caplog: pytest.LogCaptureFixture,
    view: Callable[[], Awaitable[Response]],
    *,
    is_valid: bool,
) -> None:
    """A view that forgets to check a token answers none: 401, and the log says which view."""
    app.add_url_rule(f"{API}/forgetful", "forgetful", view)
    await register(client)
    text = (await make_token(client))["token"] if is_valid else UNKNOWN_TOKENS[0]
    if view is forgetful:
        assert (await stranger.get(f"{API}/forgetful")).status_code == 204
    response = await stranger.get(f"{API}/forgetful", headers={"Authorization": f"Bearer {text}"})
    assert response.status_code == 401
    assert (await response.get_json())["code"] == "unauthenticated"
    assert "left a token unchecked" in caplog.text


async def test_two_requests_of_one_context_present_each_its_own_token(app: Quart) -> None:
    """What was read of one request's header is not taken for another's."""
    texts = [*UNKNOWN_TOKENS, None, UNKNOWN_TOKENS[0]]
    hashes = []
    async with app.app_context():
        for text in texts:
            headers = {"Authorization": f"Bearer {text}"} if text else {}
            async with app.test_request_context("/api/v1/cart", headers=headers):
                hashes.append(presented_login().token_hash)
    assert hashes == [hash_token(text) if text else None for text in texts]
