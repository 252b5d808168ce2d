"""The page about the service itself."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import asyncpg
import pytest
from quart import Quart

from service.database import Pool
from service.locker_page.timeline import WIDTH, draw
from service.locker_page.watch import Hold, Watch, WatchedVisit
from service.sessions import SECTIONS
from tests.pages.conftest import Visitor
from tests.support.shopping import API, Product

TOLD = re.compile(
    r"<p>([^<:]*): the signature <strong>([^<]*)</strong>.\s*"
    r'<code class="text">…([^<]*)<mark>(.)</mark>([^<]*)…</code>'
)


def value(page: str, name: str) -> str:
    """Return the value of a hidden field."""
    (found,) = re.findall(rf'name="{name}" value="([^"]*)"', page)
    return unescape(str(found))


@pytest.mark.session
async def test_it_tells_of_this_visit(
    browser: Visitor, product: Product, observer: asyncpg.Connection[asyncpg.Record]
) -> None:
    """The request's id, what is in `g`, and the backend that Postgres knows as well."""
    await browser.send_form("/cart/lines", sku=product.sku)
    response = await browser.get("/locker")
    assert response.headers["X-Request-Id"] in response.text
    for name in ("request_id", "started", "_db_visit", "db", "page_context"):
        assert f"<code>{name}</code>" in response.text
    (backend,) = set(re.findall(r"backend <code>(\d+)</code>", response.text))
    assert await observer.fetchval("select count(*) from pg_stat_activity where pid = $1",
                                   int(backend)) == 1  # fmt: skip
    (count,) = re.findall(r"<dd>(\d+), all on that one connection", response.text)
    assert int(count) == 3  # who is there, the cart, the catalogue


async def test_it_shows_no_secret(browser: Visitor) -> None:
    """The locker page has the name of a login, and neither its token nor its cookie."""
    name = await browser.register()
    page = (await browser.get("/locker")).text
    assert f"&#34;username&#34;: &#34;{name}&#34;" in page
    assert "not even for this page" in page
    cookie = browser.cookies["session"]
    assert cookie not in page
    assert cookie.rsplit(".", 2)[0] not in page


async def test_tampering(browser: Visitor, product: Product) -> None:
    """One letter changed, shown beside the one it was, is an empty section; the cookie stays."""
    await browser.send_form("/cart/lines", sku=product.sku)
    before = browser.cookies["session-cart"]
    page = (await browser.send_form("/locker/tamper", section="cart")).text
    sent, changed = TOLD.findall(page)
    assert sent[:2] == ("As you sent it", "holds")
    assert changed[:2] == ("With that letter changed", "does not hold")
    assert "".join(sent[2:]) in before
    assert "".join(changed[2:]) not in before
    assert (sent[2], sent[4]) == (changed[2], changed[4])
    assert browser.cookies["session-cart"] == before
    assert "no such cookie" in (await browser.send_form("/locker/tamper", section="session")).text


async def test_replaying_a_cart(browser: Visitor, product: Product) -> None:
    """The older cookie is genuine, and the row wins."""
    await browser.send_form("/cart/lines", sku=product.sku, quantity=2)
    old = value((await browser.get("/locker")).text, "cookie")
    await browser.send_form("/cart/quantity", sku=product.sku, quantity=1)
    page = (await browser.send_form("/locker/replay", cookie=old)).text
    assert "It remembers revision 1 with 2 items." in page
    assert "at revision 2 with 1 item" in page
    forged = await browser.send_form("/locker/replay", cookie=f"x{old}")
    assert "Its signature does not hold." in forged.text


async def test_replaying_a_login(browser: Visitor) -> None:
    """The cookie is still there and genuine, and its next page is a guest's."""
    await browser.register()
    assert "login row <strong>holds" in (await browser.get("/locker")).text
    kept = browser.cookies["session"]
    await browser.send_form("/locker/end-login")
    assert browser.cookies["session"] == kept
    assert "login row <strong>has ended" in (await browser.get("/locker")).text
    assert (await browser.get("/account")).url.path == "/login"


async def test_the_page_agrees_with_itself_after_ending_the_login(browser: Visitor) -> None:
    """Outcome, panel, button and header of the answer all say that the login has ended."""
    await browser.register()
    page = (await browser.send_form("/locker/end-login")).text
    assert "its login row has ended" in page
    assert "login row <strong>has ended" in page
    assert "Log out, keep the cookie" not in page
    assert 'href="/account"' not in page
    assert 'href="/login"' in page


async def test_an_outcome_stands_beside_its_experiment_and_is_told_once(
    browser: Visitor, product: Product
) -> None:
    """The form leads to an address that shows the outcome within the experiment, and not again."""
    await browser.send_form("/cart/lines", sku=product.sku)
    for path, fields, place in (
        ("tamper", {"section": "cart"}, "session-cart</strong>"),
        ("replay", {"cookie": "x"}, "<h3>Replay an old cart</h3>"),
    ):
        answer = await browser.send_form(f"/locker/{path}", **fields)
        assert [step.status_code for step in answer.history] == [303]
        assert str(answer.url).endswith("/locker#outcome")
        before, _, after = answer.text.partition('id="outcome"')
        assert after
        assert place in before[max(before.rfind("<summary>"), before.rfind("<li>")) :]
        assert 'id="outcome"' not in (await browser.get("/locker")).text


async def test_an_outcome_of_another_shape_is_none(browser: Visitor, app: Quart) -> None:
    """What the section for messages holds, though signed, is shown only if it is an outcome."""
    for odd in (5, ["x"], {"place": "cart"}, {"place": 1, "title": [], "lines": None}):
        cookie = app.session_interface.jar(app).cookies["flash"]  # type: ignore[attr-defined]
        signed = cookie.sign({"outcome": odd}, int(time.time()))
        answer = await browser.get("/locker", headers={"Cookie": f"{cookie.name}={signed}"})
        assert answer.status_code == 200
        assert 'id="outcome"' not in answer.text


@pytest.mark.session
async def test_twelve_claims(browser: Visitor, product: Product) -> None:
    """What is said of `g` and `session` is shown with this request's own figures."""
    name = await browser.register()
    await browser.send_form("/cart/lines", sku=product.sku)
    await browser.get("/locker")
    page = (await browser.get("/locker")).text
    claims = page[page.index('id="claims-title"') : page.index('id="timeline"')]
    assert len(re.findall("<li>", claims)) == 12
    assert re.search(r"[2-4] statements of this page asked for the connection", claims)
    assert "as this one found it: <output>none</output>" in claims
    assert re.search(r"<output>[3-9] names were in <code>g</code>", claims)
    assert re.search(r"backend \d+, went back after \d+\.\d ms", claims)
    assert "<code>after_request</code> and <code>teardown_request</code>" in claims
    assert re.search(r"session-\w+</code> was begun|session</code> was begun", claims)
    total = sum(
        len(f"{name}={value}")
        for name, value in browser.cookies.items()
        if name.startswith("session")
    )
    assert f"{total} bytes in your browser right now" in claims
    assert f"you are {name}" in claims


async def test_it_names_no_visitor(browser: Visitor, product: Product) -> None:
    """The requests of the process are named by route, for others may see them."""
    await browser.get(f"/products/{product.handle}?q=secret-words")
    page = (await browser.get("/locker")).text
    assert "GET /products/&lt;text:handle&gt; 200" in page
    assert product.handle not in page
    assert "secret-words" not in page


async def test_it_shows_every_section(browser: Visitor) -> None:
    """The page explains every section that the session has, also to a newcomer."""
    page = await browser.get("/locker")
    assert page.status_code == 200
    assert [name for name in SECTIONS if f'session["{name}"]' not in unescape(page.text)] == []


async def test_off_in_production(start_app: Callable[..., Awaitable[Quart]]) -> None:
    """Unless it is set; and then no request is watched."""
    safe = {"environment": "production", "secure_cookies": True}
    off, on = await start_app(**safe), await start_app(**safe, locker_page=True)
    for app, status in ((off, 404), (on, 200)):
        client = app.test_client()
        response = await client.get("/locker", headers={"Accept": "text/html"})
        assert response.status_code == status
        home = await (await client.get("/")).get_data(as_text=True)
        assert ('href="/locker"' in home) is (status == 200)
    assert off.extensions["locker"].get(Pool).observer is None


async def test_watching_changes_nothing(
    browser: Visitor, app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every connection that was watched is back in the pool, with nobody listening any more."""
    listening: Counter[object] = Counter()
    for name, change in (("add_query_logger", 1), ("remove_query_logger", -1)):
        listen = getattr(asyncpg.Connection, name)

        def noted(
            self: object, logger: Any, *, _listen: Any = listen, _change: int = change
        ) -> Any:
            listening[logger] += _change
            return _listen(self, logger)

        monkeypatch.setattr(asyncpg.Connection, name, noted)
    for _ in range(3):
        await browser.get("/locker")
        await browser.post(f"{API}/cart/lines", json={"sku": product.sku})
    assert listening
    assert set(listening.values()) == {0}
    visits = app.extensions["locker"].get(Watch).visits
    assert all(hold.until is not None for visit in visits for hold in visit.holds)


def test_timeline() -> None:
    """Overlaps stand below one another at their own time, and idle hours take no room."""
    one = WatchedVisit("GET", "/a", 0.0, 0.010, 200, holds=[Hold(1, 0.002, 0.008)])
    two = WatchedVisit("GET", "/b", 0.005, 0.020, 200, holds=[Hold(2, 0.006, None)])
    late = WatchedVisit("GET", "/c", 7200.0, 7200.020, 200)
    picture = draw([one, two, late], 0.020)
    first, second, third = picture.rows
    assert first.holds[0].x < second.holds[0].x < first.holds[0].x + first.holds[0].width
    assert len(picture.breaks) == 1
    assert third.whole.x > second.whole.x + second.whole.width
    assert third.whole.x + third.whole.width <= WIDTH + 1
    assert third.whole.width > 100
    assert draw([], 0.0).rows == ()
