"""`Once`: the one place where the API heeds an ``Idempotency-Key`` (http-api, "Conventions")."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar
from uuid import UUID

import msgspec
from quart import Response, request

from service import clock
from service.database import Conflicted, Connection, run
from service.errors import Conflict
from service.http.endpoints import Input
from service.http.problems import problem
from service.logins import PresentedLogin, presented_login

from . import queries
from .model import HEADER, Claim, Key, KeyTaken, StoredAnswer

P = ParamSpec("P")
T = TypeVar("T")

_NOTHING: Mapping[str, str] = MappingProxyType({})

KEY_HEADER = {
    HEADER: "1 to 255 visible ASCII characters. A repeat within 24 hours has no further effect, "
    "and gets the first answer again with `Idempotent-Replayed: true`."
}
"""What `operation` says of the header, for views that use `Once`."""


class Veil(Protocol):
    """Hides what of an answer's body must not be stored, and shows it again in a repeat."""

    def hide(self, body: dict[str, Any]) -> dict[str, Any]: ...

    def show(self, body: dict[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    """What the action returned, None where it refused; and the answer to keep."""

    result: T | None
    answer: StoredAnswer
    replayed: bool = False


class Once(Generic[T]):
    """Runs an action as `run` does, and answers; with an ``Idempotency-Key``, once for each key.

    ``data`` is the request's body, ``guest`` the cart of a caller without a login. ``to_response``
    makes the answer of what the action returned, before it is committed. ``secret_fields`` are
    members of the answer that are stored nowhere, and that a repeat must bring about by itself;
    a ``veil`` hides some and shows them again.
    ``form_key`` is the key of a page's form, which can send no header.
    """

    def __init__(
        self,
        data: Input | None = None,
        *,
        to_response: Callable[[T], Response],
        guest: UUID | None = None,
        secret_fields: Mapping[str, str] = _NOTHING,
        veil: Veil | None = None,
        form_key: str = "",
    ) -> None:
        self._to_response = to_response
        self._guest = guest
        self._secret_fields = secret_fields
        self._veil = veil
        self._key = read_key(data, *secret_fields.values(), form_key=form_key)

    async def run(
        self,
        action: Callable[Concatenate[Connection, P], Awaitable[T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[T | None, Response]:
        """Return what the action returned, and the answer.

        The first is None where the action didn't run, in a replay, and where it refused: what may
        only happen after the commit, such as a change of the session, is for the caller to do if
        it isn't. The answer is stored in the action's own transaction, a 409 in another after that
        was undone. Raises `Invalid` for a bad key, and `KeyReused`. Without a key this adds nothing
        to what the action costs.
        """

        async def act(db: Connection, claim: Claim | None) -> T:
            if claim:
                await queries.claim_key(db, claim, clock.now())
            return await action(db, *args, **kwargs)

        return await self.run_claiming(act)

    async def run_claiming(
        self, action: Callable[[Connection, Claim | None], Awaitable[T]]
    ) -> tuple[T | None, Response]:
        """Do as `run`, with an action that claims the key itself, which saves a round trip.

        The first statement of the action has to do so if it is given a `Claim`.
        """
        if self._key is None:
            result = await run(action, None)
            return result, self._to_response(result)
        done = await run(self._act, self._key, presented_login(), action)
        return done.result, replay(done.answer) if done.replayed else _response(done.answer)

    async def _act(
        self,
        db: Connection,
        key: Key,
        presented: PresentedLogin,
        action: Callable[[Connection, Claim | None], Awaitable[T]],
    ) -> _Done[T]:
        async def work(db: Connection, claim: Claim) -> _Done[T]:
            result = await action(db, claim)
            return _Done(result, await to_stored(self._to_response(result)))

        try:
            return await self._do_once(db, Claim(key, presented, self._guest), work)
        except Conflict as refusal:
            # What the action wrote before it refused is undone with its transaction, and the
            # refusal is kept in another. A request that has the key in between is the first one.
            refused: _Done[T] = _Done(None, await to_stored(await problem(refusal)))

        async def refuse(db: Connection, claim: Claim) -> _Done[T]:
            await queries.claim_key(db, claim, clock.now())
            return refused

        return await self._do_once(db, Claim(key, presented, self._guest), refuse)

    async def _do_once(
        self,
        db: Connection,
        claim: Claim,
        work: Callable[[Connection, Claim], Awaitable[_Done[T]]],
    ) -> _Done[T]:
        async with db.transaction():
            now = clock.now()
            try:
                done = await work(db, claim)
            except KeyTaken as taken:
                before = await queries.select_answer(db, taken.scope, claim.key, now)
                if before is None:  # it was forgotten just now
                    raise Conflicted from None
                return _Done(None, self._show(before), replayed=True)
            if claim.scope is not None:
                answer = self._hide(done.answer)
                await queries.upsert_answer(db, claim.scope, claim.key, answer, now)
            return done

    def _hide(self, answer: StoredAnswer) -> StoredAnswer:
        answer = answer.without_members(self._secret_fields)
        return answer.with_body(self._veil.hide) if self._veil else answer

    def _show(self, answer: StoredAnswer) -> StoredAnswer:
        answer = answer.with_members(self._secret_fields)
        return answer.with_body(self._veil.show) if self._veil else answer


def read_key(data: Input | None = None, *more: str, form_key: str = "") -> Key | None:
    """Return the request's key, if it has one, bound to path, body and ``more``.

    Raises `Invalid`.
    """
    header = form_key or request.headers.get(HEADER)
    if header is None:
        return None
    # The members of an object have no order.
    body = msgspec.json.encode(data, order="deterministic")
    return Key.read(header, request.method, request.path, body, *more)


def replay(stored: StoredAnswer) -> Response:
    """Return the answer that was given before, marked as such."""
    response = _response(stored)
    response.headers["Idempotent-Replayed"] = "true"
    return response


async def to_stored(response: Response) -> StoredAnswer:
    """Return what is to be remembered of an answer."""
    headers = {name: value for name, value in response.headers if name != "Content-Length"}
    return StoredAnswer(response.status_code, headers, await response.get_data(as_text=False))


def _response(stored: StoredAnswer) -> Response:
    response = Response(stored.body, stored.status)
    response.headers.update(stored.headers)
    return response
