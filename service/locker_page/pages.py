"""``/locker``: this visit, your locker, and what happens if one tries to cheat."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from msgspec import Meta
from quart import Blueprint, Quart, Response, g, request
from quart_auth import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from quart_locker import BASE
from service import carts, clock
from service.accounts.session import revoke_own_login
from service.carts.session import cart_policy, current_cart_owner
from service.catalogue import select_products
from service.database import Pool, run
from service.http.endpoints import Caller, Input
from service.logins import presented_login
from service.pages import back, current_page_context, page, render
from service.services import get_service, services_of
from service.sessions import SECTIONS, section_cookie

from .experiments import ComparedText, ExperimentResult, keep_result, take_result, tamper
from .timeline import draw
from .watch import Watch

blueprint = Blueprint("locker_page", __name__)

SECRET = "login"  # noqa: S105 - where it is, not what it is
LONGEST_COOKIE = 4093

WHAT = {
    BASE: "Who you are. Shared by everything that asks who is logged in.",
    "cart": "Which cart is yours, and a copy of what is in it, should the database forget.",
    "preferences": "What you chose, before you had an account.",
    "device": "That you logged in here before: no login, but you may try when others have used up "
    "your account's attempts.",
    "flash": "What to tell you on the next page. Read once, then gone.",
    "orders": "The orders that you placed here as a guest, so that you can see them again.",
}
CODE = {
    BASE: 'session["user_id"], session["username"]',
    "cart": 'session["cart"]',
    "preferences": 'session["preferences"]',
    "device": 'session["device"]',
    "flash": 'session["flash"]',
    "orders": 'session["orders"]',
}
MEANING = {
    "request_id": "names this request in the log and in every answer",
    "started": "when the request came in",
    "_db_visit": "lets two tasks of one request take one connection, and none after its end",
    "db": "this visit's connection, the same for every function that asks",
    "page_context": "who looks, looked up once",
    "watched": "what this page notes of the visit, in hooks before and after it",
    "note": "a note that this page leaves, to see whether the next visit finds it",
    "_quart_auth_user": "current_user, as quart-auth keeps it",
}
"""What is in ``g``, by name. What has no meaning to a reader of the page is left out."""


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section of the session, as its owner may see it."""

    name: str
    what: str
    code: str
    cookie: str
    size: int
    state: Literal["empty", "holds", "broken"]
    content: str
    age: int


@dataclass(frozen=True, slots=True)
class VisitNote:
    """What a visit found in ``g``: the note of the visit before, were there one, and the names."""

    found: object
    begun_with: tuple[str, ...]


class TamperForm(Input):
    """The section whose cookie to change."""

    section: Literal["session", "cart", "preferences", "flash", "device"]


class ReplayForm(Input):
    """A cookie of the cart section from before."""

    cookie: Annotated[str, Meta(max_length=LONGEST_COOKIE)]


def init_app(app: Quart) -> None:
    """Serve the page, and note from now on when each request holds a connection."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["locker_page"] = True
    services = services_of(app)
    services.add(Watch(app, services.get(Pool)))


@blueprint.before_request
async def leave_note() -> None:
    """VisitNote what this visit found in `g`, and leave something there for the next to find."""
    g.note = VisitNote(found=g.get("note"), begun_with=tuple(sorted(g)))


@blueprint.get("/locker")
@page()
async def show_locker() -> Response:
    """Show this visit, and the locker."""
    watch = get_service(Watch)
    loaded = await run(carts.load, current_cart_owner(), cart_policy())
    offered = await run(select_products, limit=20)
    skus = [
        variant.sku
        for product in offered.products
        for variant in product.variants
        if variant.orderable
    ]
    signed_in = await current_user.is_authenticated
    await current_page_context()
    # The counter of statements is called by the loop, after the statement's own answer.
    await asyncio.sleep(0)
    visit = watch.current
    return await render(
        "locker/locker.html",
        visit=visit,
        last=watch.last,
        note=read_note(),
        holds=visit.holds if visit else [],
        names=dict(_names()),
        milliseconds=lambda moment: round((moment - g.started) * 1000, 1),
        sections=[_section(name) for name in (BASE, *SECTIONS)],
        presented=bool(presented_login()),
        signed_in=signed_in,
        cart=loaded.cart,
        sku=skus[0] if skus else None,
        cart_cookie=request.cookies.get(section_cookie("cart").name, ""),
        timeline=draw(list(watch.visits), time.perf_counter()),
        outcome=take_result(),
    )


@blueprint.post("/locker/tamper")
@page(form=TamperForm)
async def post_tamper(data: TamperForm) -> WerkzeugResponse:
    """Change one letter of a cookie, and read both as every request does. Nothing is sent back."""
    cookie = section_cookie(data.section)
    value = request.cookies.get(cookie.name, "")
    if not value:
        return _tell(data.section, "There is no such cookie yet", "Put something in first.")
    return _tell(
        data.section,
        f"One letter of “{cookie.name}” changed",
        "A cookie whose signature does not hold is an empty section, never an error.",
        texts=tamper(cookie, value),
    )


@blueprint.post("/locker/replay")
@page(form=ReplayForm)
async def post_replay(data: ReplayForm) -> WerkzeugResponse:
    """Open the cart with an older cookie."""
    opened = section_cookie("cart").open(data.cookie)
    if opened is None:
        return _tell("replay", "That cookie", "Its signature does not hold.")
    old = carts.CartCookie.read(opened.content)
    found = await run(carts.load, carts.CartOwner(presented_login(), old), cart_policy())
    copied = sum(line.quantity for line in old.snapshot.lines) if old.snapshot else 0
    revision = old.snapshot.revision if old.snapshot else 0
    return _tell(
        "replay",
        "The older cookie was sent",
        f"Its signature holds. It remembers revision {revision} with {copied} {_items(copied)}.",
        f"The row in the database is at revision {found.cart.revision} with "
        f"{found.cart.quantity} {_items(found.cart.quantity)}, which is what you get.",
        "A signature says that we wrote it, not that it still holds.",
    )


@blueprint.post("/locker/end-login")
@page(Caller.SIGNED_IN)
async def post_end_login() -> WerkzeugResponse:
    """End the login and leave the cookie, as if it had been saved before logging out."""
    await revoke_own_login()
    return _tell(
        "end-login",
        "Logged out, with the cookie from before still here",
        "Its signature holds, its login row has ended.",
        "This page is already a guest's: a saved cookie is worth nothing.",
    )


def read_note() -> VisitNote:
    """Return this visit's note: nobody handed it over, and everybody who asks gets this one."""
    return cast("VisitNote", g.note)


def _tell(
    place: str, title: str, *lines: str, texts: tuple[ComparedText, ...] = ()
) -> WerkzeugResponse:
    keep_result(ExperimentResult(place, title, lines, texts))
    return back("/locker#outcome")


def _names() -> Iterator[tuple[str, str]]:
    """Return what is in ``g`` by name: what it is for, never what it is."""
    yield from ((name, MEANING[name]) for name in sorted(g) if name in MEANING)


def _section(name: str) -> SectionView:
    cookie = section_cookie(name)
    value = request.cookies.get(cookie.name, "")
    opened = cookie.open(value) if value else None
    content: dict[str, Any] = dict(opened.content) if opened else {}
    if SECRET in content:
        content[SECRET] = "(a secret: not even for this page)"
    return SectionView(
        name,
        WHAT[name],
        CODE[name],
        cookie.name,
        len(f"{cookie.name}={value}") if value else 0,
        "holds" if opened else "broken" if value else "empty",
        json.dumps(content, indent=1, ensure_ascii=False, default=str),
        int(clock.now().timestamp()) - opened.born if opened else 0,
    )


def _items(count: int) -> str:
    return "item" if count == 1 else "items"
