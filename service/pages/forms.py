"""Declaring a page, and reading forms as strictly as the API reads JSON."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from quart import request
from quart.typing import ResponseReturnValue
from quart_auth import current_user

from service.errors import Forbidden, Invalid, Malformed, Unauthenticated
from service.http.endpoints import (
    MOST_FIELDS,
    Caller,
    Input,
    check_media_type,
    convert_pairs,
    read_link,
)
from service.http.operators import current_operator
from service.sessions import TokenRequest

View = Callable[..., Awaitable[ResponseReturnValue]]

M = TypeVar("M", bound=msgspec.Struct)

FORM = "application/x-www-form-urlencoded"


def page(
    caller: Caller = Caller.ANYONE,
    *,
    form: type[Input] | None = None,
    query: type[msgspec.Struct] | None = None,
) -> Callable[[View], View]:
    """Declare a view of the shop: who may see it, and the form and query it gets.

    A form that can be filled in wrongly is better read in the view, with `receive_form`, which
    then shows it again with what was entered.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        async def wrapper(**arguments: Any) -> ResponseReturnValue:
            if cast("TokenRequest", request).bearer_token is not None:
                # Pages don't ask for a token's scopes.
                raise Forbidden("Tokens are for the API.")
            if caller is Caller.OPERATOR:
                await current_operator()
            if form is not None:
                arguments["data"] = (await receive_form()).read(form)
            if query is not None:
                arguments["query"] = read_link(query)
            if caller is Caller.SIGNED_IN and not await current_user.is_authenticated:
                raise Unauthenticated
            return await view(**arguments)

        wrapper.page = caller  # type: ignore[attr-defined]
        return wrapper

    return decorate


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form as it came in."""

    raw: bytes

    def read(self, model: type[M], groups: Collection[str] = ()) -> M:
        """Return what the form says, grouped as by `convert_pairs`; raises as that does."""
        return convert_pairs(self.raw, model, "form", groups)

    @property
    def entered(self) -> dict[str, str]:
        """What was entered, to be shown if it has to be once more. Passwords never are."""
        try:
            pairs = parse_qsl(self.raw.decode(errors="replace"), max_num_fields=MOST_FIELDS)
        except ValueError:
            # More than anybody sends.
            return {}
        return {name: text for name, text in pairs if "password" not in name}


async def receive_form() -> SentForm:
    """Return the form that was sent; raises `Malformed`, `UnsupportedMediaType`."""
    check_media_type(FORM)
    raw = cast("bytes", await request.get_data(as_text=False, cache=False))
    if b"\x00" in raw or b"%00" in raw:
        raise Malformed("NUL characters are not accepted.")
    return SentForm(raw)


def new_key() -> str:
    """Return a key for a form, which is good for one effect: a second click has none."""
    return secrets.token_urlsafe(12)


def field_errors(error: Exception) -> dict[str, str]:
    """Return what is wrong, by field; of several things the first."""
    if not isinstance(error, Invalid):
        return {}
    return {each["field"]: each["message"] for each in reversed(error.errors)}
