"""What people who come from Flask may take for granted. Each test is a row of the guide."""

from __future__ import annotations

from tests.support.shops import Shop

LOGIN = {"username": "ada"}


async def test_g_is_new_for_each_request(shops: list[Shop]) -> None:
    """What one request put into `g` is not there in the next."""
    for shop in shops:
        first = await shop.ask("GET", "/notes")
        second = await shop.ask("GET", "/notes")
        assert first.body == second.body == ["before", "view"]


async def test_g_is_shared_by_all_that_a_request_calls(shops: list[Shop]) -> None:
    """`before_request`, the view and `after_request` see the same `g`, in this order."""
    for shop in shops:
        await shop.ask("GET", "/notes")
        assert shop.log[-1] == "before view after"


async def test_get_db_gives_one_connection_to_a_request(shops: list[Shop]) -> None:
    """A request gets one connection however often it asks, and none if it doesn't."""
    for shop in shops:
        assert (await shop.ask("GET", "/twice")).body == {"same": True}
        await shop.ask("GET", "/no-connection")
        assert await shop.open_connections() == 0


async def test_teardown_gives_the_connection_back_after_an_error(shops: list[Shop]) -> None:
    """A view that aborts still ends with `teardown_appcontext`."""
    for shop in shops:
        assert (await shop.ask("GET", "/broken")).status in {400, 418}
        assert await shop.open_connections() == 0


async def test_the_session_keeps_the_login(shops: list[Shop]) -> None:
    """`session["username"]` is there on the next request, and gone after it was popped."""
    for shop in shops:
        await shop.ask("POST", "/login", LOGIN)
        assert (await shop.ask("GET", "/who")).body == {"username": "ada"}
        await shop.ask("POST", "/logout")
        assert (await shop.ask("GET", "/who")).body == {"username": None}


async def test_the_session_is_signed(shops: list[Shop]) -> None:
    """A cookie that was changed is an empty session, not an error."""
    for shop in shops:
        await shop.ask("POST", "/login", LOGIN)
        value = shop.cookie("session")
        assert value
        shop.set_cookie("session", ("A" if value[0] != "A" else "B") + value[1:])
        assert (await shop.ask("GET", "/who")).body == {"username": None}


async def test_a_permanent_session_outlives_the_browser(shops: list[Shop]) -> None:
    """`session.permanent` gives the cookie an end; without it the browser's end is its own."""
    for shop in shops:
        for remember in (True, False):
            answer = await shop.ask("POST", "/login", {**LOGIN, "remember": remember})
            assert bool(answer.cookies["session"]["expires"]) is remember


async def test_an_untouched_session_sets_no_cookie(shops: list[Shop]) -> None:
    """A request that changes nothing in the session sends nothing."""
    for shop in shops:
        await shop.ask("POST", "/login", LOGIN)
        assert (await shop.ask("GET", "/who")).cookies == {}
