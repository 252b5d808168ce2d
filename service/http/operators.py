"""Operators: who acts for the shop, and the part of the API that is there for them alone.

An operator is an account with the role (`locker user role`), by a login of its own or by a token
with the scope `admin` (`locker token create`). To add a route for them:

1. What it does is an action in the feature's ``admin.py``, with its statements in
   ``admin_queries.py``; it takes the `Operator`, and stores what was done in the transaction that
   does it: ``await record.store(operator.event("order_cancelled", now, subject=…))`` within
   ``audit.recorded(db)``. A new kind of event joins `audit.EventKind`.
2. Its view is in ``admin_api.py``, on a blueprint that ``app.py`` registers below `AREA`:
   ``@operation(Caller.OPERATOR, …)``, and ``operator = await current_operator()`` in the view.
   A write heeds an ``Idempotency-Key`` by `Once`, and ``If-Match`` where the thing has an ``ETag``.
3. A command of `locker` calls the same action with `audit.COMMAND_LINE`.
4. A page is in ``admin_pages.py``, declared with ``@page(Caller.OPERATOR)``, on a blueprint of its
   own; a line of ``COUNTER`` in ``app.py`` registers it and puts it into the pages' navigation.
5. Its ``Visit`` has a ``prepare`` that brings an operator's token (``tests/support/operators.py``).
   That it is 404 to everyone else is tested without further ado.
"""

from __future__ import annotations

from typing import Final, cast

from quart import g

from quart_locker import incoming
from service import clock
from service.audit import Operator
from service.database import release_db, run
from service.errors import NotFound, Unauthenticated
from service.logins import presented_login, select_operator
from service.sessions import TokenRequest

from .requests import request_source

AREA: Final = "/api/v1/admin/"
PAGES: Final = "/admin"
"""The operators' pages: this one, and those below it."""


async def admit() -> None:
    """Raise `NotFound` for a request to what is operators' alone that isn't an operator's.

    This is asked first of all, so that whatever they send, nobody else can tell what there is from
    what isn't there. A request that brings no token of the right form, and on pages no login, costs
    no connection.
    """
    path = cast("TokenRequest", incoming()).path
    if not path.startswith((AREA, f"{PAGES}/")) and path != PAGES:
        return
    try:
        await current_operator()
    except Unauthenticated:
        raise NotFound from None
    # The body may take its time.
    release_db()


async def current_operator() -> Operator:
    """Return the operator who asks; raises `NotFound` for anyone else.

    On a page this is somebody logged in, over the API a token. It is looked up once for each
    request.
    """
    received = cast("TokenRequest", incoming())
    # One app context may see several requests, in tests and in websockets.
    kept: tuple[object, Operator] | None = g.get("operator")
    if kept is None or kept[0] is not received.headers:
        over_api = received.path.startswith("/api/")
        if over_api and received.bearer_token is None:
            # The session stays closed, and so nothing is said of it.
            raise NotFound
        presented = presented_login()
        if not presented or over_api is not ("admin" in (presented.scopes or ())):
            raise NotFound
        found = await run(select_operator, presented, request_source(), clock.now())
        if found is None:
            raise NotFound
        presented.require(found=True)
        kept = g.operator = (received.headers, found)
    return kept[1]
