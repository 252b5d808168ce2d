"""Preferences over HTTP (http-api, "Preferences")."""

from __future__ import annotations

from quart import Blueprint, Response

from service.http.endpoints import Caller, answer, operation

from .api_types import PreferencesInput, PreferencesOutput, preferences_output
from .session import change_choices, load_choices

blueprint = Blueprint("preferences", __name__)


@blueprint.get("/preferences")
@operation(Caller.ANYONE, answers={200: PreferencesOutput}, checks_token_itself=True)
async def show_preferences() -> Response:
    """Show all preferences."""
    return answer(preferences_output(await load_choices()))


@blueprint.patch("/preferences")
@operation(
    Caller.ANYONE, body=PreferencesInput, answers={200: PreferencesOutput}, checks_token_itself=True
)
async def change_preferences(data: PreferencesInput) -> Response:
    """Change some preferences; answers with all of them."""
    return answer(preferences_output(await change_choices(data)))
