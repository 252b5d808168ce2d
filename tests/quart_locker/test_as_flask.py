"""What Flask's own tests hold of session, `flash` and `g`: the same steps, the same outcome."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from typing import Any

import flask
import pytest
import quart
import quart.globals
from quart import Quart

from quart_locker import PooledConnection, SectionedSessions
from tests.quart_locker.applications import sent
from tests.support.keys import KEY

View = Callable[[Any], Any]


class Pair:
    """A Flask application and a Quart one with our session; a view is given the framework."""

    def __init__(self) -> None:
        self.flask, self.quart = flask.Flask(__name__), Quart(__name__)
        for app in (self.flask, self.quart):
            app.secret_key = KEY
            app.testing = True
        SectionedSessions(self.quart, sections=["cart", "_flashes"])
        self.theirs, self.ours = self.flask.test_client(), self.quart.test_client()

    def add(self, rule: str, view: View, **options: Any) -> None:
        def theirs() -> Any:
            return view(flask)

        async def ours() -> Any:
            outcome = view(quart)
            return await outcome if iscoroutine(outcome) else outcome

        self.flask.add_url_rule(rule, rule, theirs, **options)
        self.quart.add_url_rule(rule, rule, ours, **options)

    async def get(self, path: str, **options: Any) -> tuple[Any, Any]:
        """Return Flask's answer and ours."""
        return self.theirs.get(path, **options), await self.ours.get(path, **options)

    async def text(self, path: str, **options: Any) -> str:
        """Return the body, which must be the same in both answers."""
        theirs, ours = await self.get(path, **options)
        text: str = await ours.get_data(as_text=True)
        assert (ours.status_code, text) == (theirs.status_code, theirs.text)
        return text


TOUCHES: dict[str, View] = {
    "get": lambda f: f.session.get("name"),
    "getitem": lambda f: f.session["name"],
    "contains": lambda f: "name" in f.session,
    "setdefault": lambda f: f.session.setdefault("name", 1),
    "clear": lambda f: f.session.clear(),
    "set": lambda f: f.session.__setitem__("name", "Bob"),
    "pop": lambda f: f.session.pop("name"),
    "iterate": lambda f: list(f.session),
}


@pytest.mark.parametrize("touch", TOUCHES)
@pytest.mark.parametrize("varies", ["", "Accept-Language", "Accept-Encoding, Cookie"])
async def test_an_answer_that_touched_it_varies_by_cookie(touch: str, varies: str) -> None:
    """An answer that touched the session varies by cookie, and says so once."""
    pair = Pair()
    pair.add("/put", lambda f: f.session.update(name="Ada") or "")

    def answer(f: Any, act: View) -> Any:
        act(f)
        response = f.Response("")
        if varies:
            response.headers["Vary"] = varies
        return response

    pair.add("/touch", lambda f: answer(f, TOUCHES[touch]))
    pair.add("/leave", lambda f: answer(f, lambda _: None))
    await pair.get("/put")
    theirs, ours = await pair.get("/leave")
    assert ours.headers.get("Vary") == theirs.headers.get("Vary") == (varies or None)
    assert "Set-Cookie" not in ours.headers
    theirs, ours = await pair.get("/touch")
    assert ours.vary.to_header() == theirs.vary.to_header()
    assert ours.headers["Vary"].count("Cookie") == 1


async def test_the_last_key_takes_the_cookie_away() -> None:
    """Taking out the last key deletes the cookie."""
    pair = Pair()
    pair.add("/put", lambda f: f.session.update(name="Ada") or "")
    pair.add("/take", lambda f: f.session.pop("name"))
    await pair.get("/put")
    theirs, ours = await pair.get("/take")
    assert sent(ours)["session"].value == ""
    assert "session=;" in theirs.headers["Set-Cookie"]
    assert not list(pair.ours.cookie_jar or ())


async def test_permanence_comes_and_goes() -> None:
    """`session.permanent` gives the cookie an end, is read back, and can be taken away."""
    pair = Pair()
    pair.add("/on", lambda f: f.session.__setattr__("permanent", True) or "")
    pair.add("/off", lambda f: f.session.__setattr__("permanent", False) or "")
    pair.add("/put", lambda f: f.session.update(name="Ada") or "")
    pair.add("/read", lambda f: str(f.session.permanent))
    for step, permanent in (("/put", "False"), ("/on", "True"), ("/off", "False")):
        theirs, ours = await pair.get(step)
        assert await pair.text("/read") == permanent
        for headers in (theirs.headers, ours.headers):
            assert ("Expires=" in headers["Set-Cookie"]) is (permanent == "True")


async def test_what_after_request_puts_in_is_saved() -> None:
    """A hook after the view may still write."""
    pair = Pair()
    pair.add("/", lambda f: str(f.session.get("cart")))

    @pair.flask.after_request
    def theirs(response: Any) -> Any:
        flask.session["cart"] = "after"
        return response

    @pair.quart.after_request
    async def ours(response: Any) -> Any:
        quart.session["cart"] = "after"
        return response

    assert await pair.text("/") == "None"
    assert await pair.text("/") == "after"


async def test_a_redirect_keeps_what_both_views_wrote() -> None:
    """A client that follows a redirect has what the first view and the second one put in."""
    pair = Pair()

    def first(f: Any) -> Any:
        f.session["cart"] = 1
        f.session["first"] = True
        return f.redirect("/second")

    pair.add("/first", first)
    pair.add("/second", lambda f: f.session.update(second=f.session["first"]) or "")
    pair.add("/read", lambda f: str(sorted(f.session.items())))
    await pair.text("/first", follow_redirects=True)
    kept = "[('cart', 1), ('first', True), ('second', True)]"
    assert await pair.text("/read") == kept


async def test_session_transaction_keeps_the_request_around_it() -> None:
    """A test changes the session within a request of its own, which stays what it is."""
    pair = Pair()
    pair.add("/read", lambda f: str(f.session.get("cart")))
    async with pair.quart.test_request_context("/around"):
        async with pair.ours.session_transaction() as kept:
            kept["cart"] = "changed"
        assert quart.request.path == "/around"
        assert "cart" not in quart.session
    assert await (await pair.ours.get("/read")).get_data() == b"changed"
    with pytest.raises(RuntimeError, match=r"[Cc]ookies"):
        async with pair.quart.test_client(use_cookies=False).session_transaction():
            pass


async def test_messages_are_shown_once() -> None:
    """`flash`, with categories and filters, over a request, and only once."""
    pair = Pair()

    def say(f: Any) -> Any:
        async def told() -> str:
            for category, text in (("error", "no"), ("message", "hm"), ("error", "never")):
                await quart.flash(text, category)
            return ""

        if f is quart:
            return told()
        for category, text in (("error", "no"), ("message", "hm"), ("error", "never")):
            flask.flash(text, category)
        return ""

    pair.add("/say", say)
    pair.add("/all", lambda f: str(f.get_flashed_messages(with_categories=True)))
    pair.add("/errors", lambda f: str(f.get_flashed_messages(category_filter=["error"])))
    pair.add("/plain", lambda f: str([f.get_flashed_messages(), f.get_flashed_messages()]))
    for path in ("/all", "/errors", "/plain"):
        await pair.text("/say")
        assert await pair.text(path) != "[]"
        assert await pair.text(path) in ("[]", "[[], []]")


def use_g(f: Any) -> str:
    """Do all that one may do with ``g``."""
    g = f.g
    outcomes = [g.get("a"), g.get("a", 1), "a" in g, g.setdefault("a", 2), g.setdefault("a", 3)]
    outcomes += ["a" in g, sorted(g), g.pop("a"), g.pop("a", 4)]
    for attempt in (lambda: g.pop("a"), lambda: g.a, lambda: delattr(g, "a")):
        try:
            outcomes.append(attempt())
        except (AttributeError, KeyError) as error:
            outcomes.append(type(error).__name__)
    g.left = True
    return str(outcomes)


async def test_g_is_flasks() -> None:
    """All of ``g``'s methods give what Flask's give, and it is new for each request."""
    pair = Pair()
    db = PooledConnection(pair.quart, "postgresql://localhost:1/nowhere")
    pair.add("/", use_g)
    pair.add("/names", lambda f: str(sorted(f.g)))
    await pair.text("/")
    assert await pair.text("/names") == "[]"
    async with pair.quart.app_context():
        assert db.pool.idle == 0


async def test_teardown_functions_run_once() -> None:
    """Once for each context, with None where the error was caught, also if another one fails."""
    for handled in (True, False):
        app = Quart(__name__)
        SectionedSessions(app)
        PooledConnection(app, "postgresql://localhost:1/nowhere")
        app.secret_key = KEY
        seen: list[Any] = []

        @app.teardown_request
        async def note(error: BaseException | None, seen: list[Any] = seen) -> None:
            seen.append(type(error))

        @app.teardown_appcontext
        async def also(error: BaseException | None, seen: list[Any] = seen) -> None:
            seen.append(type(error))

        @app.get("/")
        async def fail() -> str:
            raise ValueError

        if handled:
            app.register_error_handler(ValueError, lambda _: "")
        status = (await app.test_client().get("/")).status_code
        assert status == (200 if handled else 500)
        assert len(seen) == 2
        assert set(seen) == {type(None)}
        seen.clear()
        async with app.app_context():
            pass
        async with app.app_context():
            pass
        assert len(seen) == 2


class Matching(SectionedSessions):
    """An interface that asks which view is meant before it opens the session."""

    async def open_session(self, app: Quart, request: Any) -> Any:
        variable = getattr(quart.globals, "request_ctx", None)
        context: Any = variable if variable is not None else quart.globals.app_ctx
        context.match_request()
        self.seen = request.endpoint
        return await super().open_session(app, request)


async def test_an_interface_may_match_the_request_first() -> None:
    """A subclass may know the endpoint when it opens the session."""
    app = Quart(__name__)
    app.secret_key = KEY
    sessions = Matching(app)

    @app.get("/somewhere")
    async def somewhere() -> str:
        return ""

    assert (await app.test_client().get("/somewhere")).status_code == 200
    assert sessions.seen == "somewhere"


async def test_flask_as_it_comes_shares_the_base_cookie() -> None:
    """With Flask's digest each reads what the other wrote, under an older key as well."""
    older = "an older key, as long as one has to be"
    theirs = flask.Flask(__name__)
    theirs.config.update(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS=[older])
    ours = Quart(__name__)
    ours.config.update(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS=[older])
    SectionedSessions(ours, sections=["cart"], digest="sha1")

    @theirs.get("/<word>")
    def put(word: str) -> dict[str, Any]:
        flask.session[word] = word
        return dict(flask.session)

    @ours.get("/<word>")
    async def put_here(word: str) -> dict[str, Any]:
        quart.session[word] = word
        return dict(quart.session)

    browser, here = theirs.test_client(), ours.test_client()
    browser.get("/flask")
    cookie = browser.get_cookie("session")
    assert cookie
    here.set_cookie("localhost", "session", cookie.value)
    answer = await here.get("/quart")
    assert await answer.get_json() == {"flask": "flask", "quart": "quart"}
    browser.set_cookie("session", sent(answer)["session"].value)
    found = browser.get("/again").get_json()
    assert {key for key in found if key != "_born"} == {"flask", "quart", "again"}
    # What an older key signed.
    theirs.config["SECRET_KEY"] = older
    fresh = theirs.test_client()
    fresh.get("/older")
    cookie = fresh.get_cookie("session")
    assert cookie
    client = ours.test_client()
    client.set_cookie("localhost", "session", cookie.value)
    assert "older" in await (await client.get("/newer")).get_json()
