"""The session on its way: kept across requests, and sent when it changed."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY
from quart import Quart

from tests.sessions.conftest import StartShelf, keep, set_cookies, show

ALL = {"basket": ["pear"], "cart": {"lines": [{"quantity": 1}]}, "preferences": {"theme": "dark"}}
NAMES = {"session", "session-cart", "session-preferences"}
EMPTY = {"new": True, "permanent": False}


async def test_kept_across_requests(start_shelf: StartShelf) -> None:
    """What one request puts into the session, all later ones find."""
    client = (await start_shelf()).test_client()
    await client.patch("/session", json=ALL)
    for _ in range(3):
        found = await (await client.get("/session")).get_json()
        assert found == {"new": False, "permanent": False, **ALL}
    await client.patch("/session", json={"basket": None, "cart": None})
    found = await (await client.get("/session")).get_json()
    assert found == {**EMPTY, "preferences": {"theme": "dark"}}


async def test_shared_by_processes_with_one_key(start_shelf: StartShelf) -> None:
    """The browser carries it: every process with the key reads it, none with another."""
    cookies = await keep(await start_shelf(), ALL)
    assert set(cookies) == NAMES
    assert await show(await start_shelf(), cookies) == {**EMPTY, "new": False, **ALL}
    assert (
        await show(await start_shelf(secret_key="another key, as long as it must be"), cookies)
        == EMPTY
    )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"basket": ["plum"]}, "session"),
        ({"cart": {"lines": []}}, "session-cart"),
        ({"preferences": {"theme": "light"}}, "session-preferences"),
    ],
)
async def test_only_what_changed_is_sent(
    start_shelf: StartShelf, change: dict[str, object], name: str
) -> None:
    """A change of one section sends that one's cookie, and a change to the same none."""
    client = (await start_shelf()).test_client()
    await client.patch("/session", json=ALL)
    assert set(set_cookies(await client.patch("/session", json=change))) == {name}
    assert set_cookies(await client.patch("/session", json=change)) == {}


async def test_nested_changes_are_kept(start_shelf: StartShelf) -> None:
    """A change deep inside counts, without anybody saying so."""
    client = (await start_shelf()).test_client()
    await client.patch("/session", json=ALL)
    response = await client.post("/nested")
    assert set(set_cookies(response)) == {"session", "session-cart"}
    found = await (await client.get("/session")).get_json()
    assert found["cart"] == {"lines": [{"quantity": 2}]}
    assert found["basket"] == ["pear", "apple"]


async def test_untouched_sends_nothing(start_shelf: StartShelf) -> None:
    """A page that doesn't ask for the session sets no cookie and may be cached for all."""
    client = (await start_shelf()).test_client()
    await client.patch("/session", json=ALL)
    response = await client.get("/elsewhere")
    assert set_cookies(response) == {}
    assert "Vary" not in response.headers
    assert "Cache-Control" not in response.headers


async def test_read_is_not_cached(start_shelf: StartShelf) -> None:
    """A page that read the session, or that changed it, is for one browser only."""
    client = (await start_shelf()).test_client()
    for response in (await client.get("/session"), await client.patch("/session", json=ALL)):
        assert response.headers["Vary"] == "Cookie"
        assert response.headers["Cache-Control"] == "no-store"


async def test_flags_in_development(start_shelf: StartShelf) -> None:
    """No script can read a cookie, and no other site's form sends it."""
    app = await start_shelf()
    response = await app.test_client().patch("/session", json=ALL)
    for morsel in set_cookies(response).values():
        assert morsel["httponly"]
        assert morsel["samesite"] == "Lax"
        assert morsel["path"] == "/"
        assert not morsel["secure"]
        assert not morsel["domain"]


async def test_flags_in_production(start_shelf: StartShelf) -> None:
    """In production cookies are `Secure`, and named so that no other host can set one."""
    app = await start_shelf(
        environment="production", secure_cookies=True, allowed_hosts=("localhost",)
    )
    response = await app.test_client().patch("/session", json=ALL)
    sent = set_cookies(response)
    assert set(sent) == {f"__Host-{name}" for name in NAMES}
    for morsel in sent.values():
        assert morsel["httponly"]
        assert morsel["secure"]
        assert morsel["samesite"] == "Lax"
        assert morsel["path"] == "/"
        assert not morsel["domain"]
    cookies = {name: morsel.value for name, morsel in sent.items()}
    assert await show(app, cookies) == {**EMPTY, "new": False, **ALL}
    # The same content under the names of development is not ours.
    assert await show(app, {name[7:]: value for name, value in cookies.items()}) == EMPTY


async def test_permanent_or_until_the_browser_closes(start_shelf: StartShelf) -> None:
    """The base cookie ends with the browser unless asked to stay; cart and preferences stay."""
    client = (await start_shelf()).test_client()
    sent = set_cookies(await client.patch("/session", json=ALL))
    assert sent["session"]["max-age"] == sent["session"]["expires"] == ""
    for name in NAMES - {"session"}:
        assert int(sent[name]["max-age"]) == 31_536_000
    sent = set_cookies(await client.patch("/session", json={"permanent": True}))
    assert int(sent["session"]["max-age"]) == 7_776_000
    sent = set_cookies(await client.patch("/session", json={"permanent": False}))
    assert sent["session"]["max-age"] == ""


async def test_emptied_section_takes_its_cookie_away(start_shelf: StartShelf) -> None:
    """A section without content has no cookie."""
    client = (await start_shelf()).test_client()
    await client.patch("/session", json=ALL)
    sent = set_cookies(await client.patch("/session", json=dict.fromkeys(ALL)))
    assert set(sent) == NAMES
    assert {(morsel.value, morsel["max-age"]) for morsel in sent.values()} == {("", "0")}


async def test_too_large_is_an_error(
    start_shelf: StartShelf, caplog: pytest.LogCaptureFixture
) -> None:
    """A section that no browser would keep is an error, and nothing of the session is sent."""
    client = (await start_shelf()).test_client()
    await client.patch("/session", json=ALL)
    noise = "".join(map(chr, range(0x4E00, 0x4E00 + 2_000)))
    response = await client.patch("/session", json={"cart": {"a": noise}, "basket": []})
    assert response.status_code == 500
    assert (await response.get_json())["code"] == "internal"
    assert set_cookies(response) == {}
    assert "section 'cart' takes" in caplog.text
    found = await (await client.get("/session")).get_json()
    assert found == {**EMPTY, "new": False, **ALL}


def old_key_uses() -> float:
    return REGISTRY.get_sample_value("locker_old_key_uses_total") or 0


async def test_old_key_is_accepted_and_signed_anew(start_shelf: StartShelf) -> None:
    """A cookie under an older key is read, counted, and sent back under the current one."""
    old, key = "an older key, but long enough so far", "the key that counts from now on, 32+"
    cookies = await keep(await start_shelf(secret_key=old), ALL)
    app = await start_shelf(secret_key=key, secret_key_fallbacks=(old,))
    before = old_key_uses()
    client = app.test_client(use_cookies=False)
    header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    response = await client.get("/session", headers=header)
    assert await response.get_json() == {**EMPTY, "new": False, **ALL}
    renewed = {name: morsel.value for name, morsel in set_cookies(response).items()}
    assert set(renewed) == NAMES
    assert old_key_uses() == before + 3
    assert await show(await start_shelf(secret_key=key), renewed) == {**EMPTY, "new": False, **ALL}
    assert set_cookies(await client.get("/elsewhere", headers=header)) == {}
    assert old_key_uses() == before + 3


async def test_bearer_neither_reads_nor_writes(start_shelf: StartShelf) -> None:
    """Beside a token the cookies count for nothing, and none is set."""
    app = await start_shelf()
    cookies = await keep(app, ALL)
    headers = {
        "Authorization": "Bearer of-a-token",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    client = app.test_client(use_cookies=False)
    response = await client.get("/session", headers=headers)
    assert await response.get_json() == EMPTY
    response = await client.patch("/session", headers=headers, json=ALL)
    assert await response.get_json() == ALL
    assert set_cookies(response) == {}


async def test_websocket_reads(start_shelf: StartShelf, caplog: pytest.LogCaptureFixture) -> None:
    """A websocket reads the session; a change there can't be kept, and the log says so."""
    app = await start_shelf()
    client = app.test_client()
    await client.patch("/session", json=ALL)
    for message, logged in (("stay", False), ("change", True)):
        async with client.websocket("/socket") as socket:
            assert await socket.receive_json() == ALL
            await socket.send(message)
            await app.extensions["sockets over"].get()
        assert ("changed in a websocket" in caplog.text) is logged
    assert (await (await client.get("/session")).get_json())["basket"] == ALL["basket"]


async def test_opening_costs_nothing(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that doesn't ask for the session decodes no cookie, be it as bad as it may."""

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("quart_locker.sessions.cookies.SectionCookie.examine", fail)
    client = app.test_client(use_cookies=False)
    response = await client.get("/livez", headers={"Cookie": "session=a; session-cart=b"})
    assert response.status_code == 200


async def test_getters_say_what_is_sent(start_shelf: StartShelf) -> None:
    """What Quart's own getters say of the base cookie is what is sent."""
    for secure in (False, True):
        app = await start_shelf(secure_cookies=secure)
        says = app.session_interface
        name = says.get_cookie_name(app)
        morsel = set_cookies(await app.test_client().patch("/session", json=ALL))[name]
        assert says.get_cookie_path(app) == morsel["path"]
        assert (says.get_cookie_domain(app) or "") == morsel["domain"]
        assert says.get_cookie_secure(app) == bool(morsel["secure"])
        assert says.get_cookie_httponly(app) == morsel["httponly"]
        assert says.get_cookie_samesite(app) == morsel["samesite"]
        assert not says.get_cookie_partitioned(app)
