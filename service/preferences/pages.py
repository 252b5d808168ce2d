"""Preferences, as a page."""

from __future__ import annotations

from typing import Literal

from babel import Locale as BabelLocale
from quart import Blueprint, Response
from werkzeug.wrappers import Response as WerkzeugResponse

from service.errors import Invalid
from service.http.endpoints import Input
from service.pages import LOCALES, back, flash, page, receive_form, render

from .model import Choices, PageSize, Preferences, Theme
from .session import change_choices, load_choices

blueprint = Blueprint("preferences_page", __name__)

SIZES = (10, 20, 40, 60, 100)


class PreferencesForm(Input):
    """All preferences. A box that isn't ticked isn't sent."""

    theme: Theme
    locale: Literal[LOCALES]  # type: ignore[valid-type]
    page_size: PageSize
    marketing_emails: bool = False


@blueprint.get("/preferences")
@page()
async def show_preferences() -> Response:
    """Show the preferences, to be changed."""
    return await _show()


@blueprint.post("/preferences")
@page()
async def post_preferences() -> Response | WerkzeugResponse:
    """Change the preferences."""
    try:
        data = (await receive_form()).read(PreferencesForm)
    except Invalid as error:
        return await _show(error)
    await change_choices(Choices(data.theme, data.locale, data.page_size, data.marketing_emails))
    flash("Your preferences are saved.")
    return back("/preferences")


async def _show(error: Invalid | None = None) -> Response:
    chosen = Preferences(**(await load_choices()).chosen())
    return await render(
        "preferences/preferences.html",
        error.status if error else 200,
        chosen=chosen,
        problem=error and "Please choose from what is there.",
        locales={name: _name(name) for name in LOCALES},
        sizes=sorted({*SIZES, chosen.page_size}),
    )


def _name(tag: str) -> str:
    return BabelLocale.parse(tag, sep="-").get_display_name("en") or tag
