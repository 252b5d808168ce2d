"""Preferences over HTTP (http-api, "Preferences")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint

from service import clock
from service.database import run
from service.http.endpoints import Caller, Input, Output, answer, operation
from service.logins import presented_login
from service.sessions import read_section, write_section

from . import queries
from .model import Choices, Preferences, fill, from_section

if TYPE_CHECKING:
    from quart import Response

blueprint = Blueprint("preferences", __name__)


class PreferencesInput(Choices, Input):
    """The preferences to change; the others stay as they are."""


class PreferencesOutput(Preferences, Output):
    """All preferences."""


@blueprint.get("/preferences")
@operation(Caller.ANYONE, answers={200: PreferencesOutput}, rides_along=True)
async def show_preferences() -> Response:
    """Show all preferences."""
    return answer(preferences_output(await current_choices()))


@blueprint.patch("/preferences")
@operation(Caller.ANYONE, body=PreferencesInput, answers={200: PreferencesOutput}, rides_along=True)
async def change_preferences(data: PreferencesInput) -> Response:
    """Change some preferences; answers with all of them."""
    return answer(preferences_output(await change_choices(data)))


async def change_choices(data: Choices) -> Choices:
    """Change some of the caller's choices, and return all."""
    caller, guest = presented_login(), guest_choices()
    own = await run(queries.upsert_choices, caller, clock.now(), data, guest) if caller else None
    if own is None:
        own = fill(data, guest)
        write_section("preferences", own.chosen())
    return own


async def current_choices() -> Choices:
    """Return the caller's choices: an account's own, filled up with those of this browser."""
    caller, guest = presented_login(), guest_choices()
    own = await run(queries.select_choices, caller, clock.now()) if caller else None
    return fill(own, guest) if own is not None else guest


def guest_choices() -> Choices:
    """Return what this browser chose, signed in or not."""
    return from_section(read_section("preferences"))


def preferences_output(choices: Choices) -> PreferencesOutput:
    """Return the preferences for the API."""
    return PreferencesOutput(**choices.chosen())
