"""`once`: the one place where the API heeds an ``Idempotency-Key`` (http-api, "Conventions")."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
from quart import Response, request

from service import clock
from service.database import run
from service.errors import Conflict
from service.http.problems import problem
from service.logins import presented_login

from . import queries
from .model import HEADER, Key, Outcome

if TYPE_CHECKING:
    from uuid import UUID

    from service.database import Connection
    from service.http.endpoints import Input

T = TypeVar("T")

_NOTHING: Mapping[str, str] = MappingProxyType({})

KEY_HEADER = {
    HEADER: "1 to 255 visible ASCII characters. A repeat within 24 hours has no further effect, "
    "and gets the first answer again with `Idempotent-Replayed: true`."
}
"""What `operation` says of the header, for views that use `once`."""


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    """What the action returned, None where it refused; and the answer to keep."""

    result: T | None
    outcome: Outcome
    replayed: bool = False


async def once(
    action: Callable[[Connection], Awaitable[T]],
    respond: Callable[[T], Response],
    *,
    data: Input | None = None,
    guest: UUID | None = None,
    then: Callable[[T], object] = lambda _: None,
    unstored: Mapping[str, str] = _NOTHING,
    form_key: str = "",
) -> Response:
    """Run the action as `run` does, and answer; with a key, once for each key.

    ``data`` is the request's body, ``guest`` the cart of a caller without a login. ``respond``
    makes the answer of what the action returned, before it is committed; ``then`` is for what
    may only happen after that, such as changes of the session, and does not happen again in a
    replay. The outcome, also a 409, is stored in the action's own transaction; ``unstored`` are
    secret members of the body, which aren't, and which a repeat must bring about by itself.
    ``form_key`` is the key of a page's form, which can send no header.
    Raises `Invalid` for a bad key, and `KeyReused`. Without a key this adds nothing to what the
    action costs.
    """
    key = read_key(data, *unstored.values(), form_key=form_key)
    if key is None:
        result = await run(action)
        then(result)
        return respond(result)
    caller = presented_login()

    async def act(db: Connection) -> _Done[T]:
        async with db.transaction():
            now = clock.now()
            scope, free = await queries.claim_key(db, caller, guest, key, now)
            if scope is None:
                return await _act(db, action, respond)
            before = None if free else await queries.select_outcome(db, scope, key, now)
            if before is not None:
                return _Done(None, before.with_members(unstored), replayed=True)
            done = await _act(db, action, respond)
            outcome = done.outcome.without_members(unstored)
            await queries.upsert_outcome(db, scope, key, outcome, now)
            return done

    done = await run(act)
    if done.result is not None:
        then(done.result)
    return replay(done.outcome) if done.replayed else _response(done.outcome)


def read_key(data: Input | None = None, *more: str, form_key: str = "") -> Key | None:
    """Return the request's key, if it has one, bound to path, body and ``more``.

    Raises `Invalid`.
    """
    header = form_key or request.headers.get(HEADER)
    if header is None:
        return None
    return Key.read(header, request.method, request.path, msgspec.json.encode(data), *more)


def replay(outcome: Outcome) -> Response:
    """Return the answer that was given before, marked as such."""
    response = _response(outcome)
    response.headers["Idempotent-Replayed"] = "true"
    return response


async def to_outcome(response: Response) -> Outcome:
    """Return what is to be remembered of an answer."""
    headers = {name: value for name, value in response.headers if name != "Content-Length"}
    return Outcome(response.status_code, headers, await response.get_data(as_text=False))


async def _act(
    db: Connection, action: Callable[[Connection], Awaitable[T]], respond: Callable[[T], Response]
) -> _Done[T]:
    try:
        # A savepoint: what an action wrote before it refused must not be kept with the refusal.
        async with db.transaction():
            result = await action(db)
    except Conflict as refusal:
        return _Done(None, await to_outcome(await problem(refusal)))
    return _Done(result, await to_outcome(respond(result)))


def _response(outcome: Outcome) -> Response:
    response = Response(outcome.body, outcome.status)
    response.headers.update(outcome.headers)
    return response
