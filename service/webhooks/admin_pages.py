"""Webhooks behind the counter: how each stands, and what could not be delivered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from quart import Blueprint, Response
from werkzeug.wrappers import Response as WerkzeugResponse

from service import outbox
from service.database import Connection, run
from service.errors import NotFound
from service.http.endpoints import Caller, Input
from service.http.operators import current_operator
from service.outbox import ListedEvent, Webhook, message_id, read_message_id
from service.pages import back, flash, page, render

blueprint = Blueprint("webhooks_admin_pages", __name__)

SHOWN = 50
"""Dead letters."""


class SwitchForm(Input):
    """A webhook, and whether it is to be sent to."""

    name: Annotated[str, Meta(max_length=outbox.LONGEST_NAME)]
    enabled: bool


class EventForm(Input):
    """An event that one webhook didn't take."""

    event: Annotated[str, Meta(max_length=40)]
    webhook: Annotated[str, Meta(max_length=outbox.LONGEST_NAME)]


@blueprint.get("/webhooks")
@page(Caller.OPERATOR)
async def show_webhooks() -> Response:
    """Show where events go, and the dead letters."""
    webhooks, dead = await run(_select)
    return await render(
        "webhooks/webhooks.html", webhooks=webhooks, dead=dead, message_id=message_id
    )


@blueprint.post("/webhooks")
@page(Caller.OPERATOR, form=SwitchForm)
async def post_switch(data: SwitchForm) -> WerkzeugResponse:
    """Send to a webhook again, or nothing more."""
    operator = await current_operator()
    switch = outbox.enable_webhook if data.enabled else outbox.disable_webhook
    await run(switch, operator, data.name)
    flash(f"{data.name} is {'sent to again' if data.enabled else 'sent nothing more'}.")
    return back("/admin/webhooks")


@blueprint.post("/webhooks/retry")
@page(Caller.OPERATOR, form=EventForm)
async def post_retry(data: EventForm) -> WerkzeugResponse:
    """Try a dead letter again, from the first attempt on."""
    operator = await current_operator()
    try:
        await run(outbox.retry_events, operator, read_message_id(data.event), data.webhook)
    except NotFound:
        return _late()
    flash("It is tried again at once, if a worker runs.")
    return back("/admin/webhooks")


@blueprint.post("/webhooks/skip")
@page(Caller.OPERATOR, form=EventForm)
async def post_skip(data: EventForm) -> WerkzeugResponse:
    """Give a dead letter up, so that what comes after it goes on."""
    operator = await current_operator()
    try:
        await run(outbox.skip_event, operator, read_message_id(data.event), data.webhook)
    except NotFound:
        return _late()
    flash("It is given up. What came after it goes on.")
    return back("/admin/webhooks")


def _late() -> WerkzeugResponse:
    flash("Somebody else has seen to it meanwhile.")
    return back("/admin/webhooks")


async def _select(db: Connection) -> tuple[list[Webhook], list[ListedEvent]]:
    return (
        await outbox.select_webhooks(db),
        await outbox.select_deliveries(db, state="dead", limit=SHOWN),
    )
