"""Templates, and what each of them is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quart import Response, g, render_template, request

from . import formats
from .assets import show_file, static_url
from .drawings import drawing
from .errors import error_page
from .messages import take_messages
from .shopper import current_shopper

if TYPE_CHECKING:
    from quart import Quart

    from .shopper import Lookup

HTML = "text/html; charset=utf-8"


def init_app(app: Quart, look_up_shopper: Lookup) -> None:
    """Give templates their functions, and errors and static files their pages' ways.

    ``look_up_shopper`` comes from above: pages of every feature show who is there, and only
    accounts know all of it.
    """
    app.extensions["locker.shopper"] = look_up_shopper
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.globals.update(
        static_url=static_url,
        drawing=drawing,
        password_min=app.extensions["locker.settings"].password_min,
    )
    app.jinja_env.filters.update(
        money=formats.money, day=formats.day, moment=formats.moment, device=formats.device
    )
    app.view_functions["static"] = show_file
    app.extensions["locker.error_page"] = error_page


async def render(template: str, status: int = 200, **context: Any) -> Response:
    """Return the page. It is the shopper's own, and not to be kept by anything in between."""
    body = await render_template(
        template,
        shopper=await current_shopper(),
        messages=take_messages(),
        path=request.path,
        request_id=g.request_id,
        **context,
    )
    response = Response(body, status, content_type=HTML)
    response.headers["Cache-Control"] = "no-store"
    return response
