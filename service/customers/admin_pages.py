"""Customers and the audit behind the counter, as pages."""

from __future__ import annotations

from typing import Annotated, get_args
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Meta
from quart import Blueprint, Response
from werkzeug.wrappers import Response as WerkzeugResponse

from service import accounts, audit, clock, logins, orders
from service.accounts import IsOperator, KnownAccount
from service.audit import EventKind, StoredEvent
from service.database import Connection, run
from service.errors import Invalid
from service.http.endpoints import Caller, Input, answer
from service.http.operators import current_operator
from service.logins import Login
from service.orders import OrderPage
from service.pages import back, flash, page, receive_form, render

from . import actions
from .api_types import export_output

blueprint = Blueprint("customers_admin_pages", __name__)

SHOWN = 20
"""Of each list."""

KINDS: tuple[EventKind, ...] = get_args(EventKind)


class CustomerQuery(msgspec.Struct, frozen=True):
    """Who is looked for, and where the list goes on."""

    q: Annotated[str, Meta(max_length=254)] = ""
    after: Annotated[str, Meta(max_length=254)] = ""


class AuditQuery(msgspec.Struct, frozen=True):
    """Which events are looked for, and where the list goes on."""

    account: Annotated[str, Meta(max_length=36)] = ""
    event: Annotated[str, Meta(max_length=40)] = ""
    after: Annotated[str, Meta(max_length=18)] = ""


class DeletionForm(Input):
    """The user name, typed once more."""

    username: Annotated[str, Meta(max_length=64)]


@blueprint.get("/customers")
@page(Caller.OPERATOR, query=CustomerQuery)
async def show_found_customers(query: CustomerQuery) -> Response:
    """Find customers by how their name or address begins."""
    found = await run(accounts.find, query.q, limit=SHOWN, after=query.after)
    return await render(
        "customers/found.html",
        found=found,
        wanted=query,
        following=urlencode({"q": query.q, "after": found.next or ""}),
    )


@blueprint.get("/customers/<uuid:account_id>")
@page(Caller.OPERATOR)
async def show_customer(account_id: UUID) -> Response:
    """Show a customer, with the last orders and what happened."""
    return await _show(account_id)


@blueprint.get("/customers/<uuid:account_id>/export")
@page(Caller.OPERATOR)
async def download_export(account_id: UUID) -> Response:
    """Give all that is kept of a customer, as a file."""
    operator = await current_operator()
    exported = await run(actions.export, account_id, operator)
    return answer(
        export_output(exported),
        Content_Disposition=f'attachment; filename="customer-{account_id}.json"',
    )


@blueprint.post("/customers/<uuid:account_id>/disable")
@page(Caller.OPERATOR)
async def post_disable(account_id: UUID) -> Response | WerkzeugResponse:
    """Let nobody in any more."""
    operator = await current_operator()
    try:
        known = await run(accounts.disable, account_id, operator)
    except IsOperator as error:
        return await _show(account_id, error)
    flash(f"{known.account.username} is logged out everywhere, and can log in no more.")
    return back(_path(account_id))


@blueprint.post("/customers/<uuid:account_id>/enable")
@page(Caller.OPERATOR)
async def post_enable(account_id: UUID) -> Response | WerkzeugResponse:
    """Let the customer in again."""
    operator = await current_operator()
    try:
        known = await run(accounts.enable, account_id, operator)
    except IsOperator as error:
        return await _show(account_id, error)
    flash(f"{known.account.username} can log in again.")
    return back(_path(account_id))


@blueprint.post("/customers/<uuid:account_id>/end-sessions")
@page(Caller.OPERATOR)
async def post_end_logins(account_id: UUID) -> Response | WerkzeugResponse:
    """End every login and token."""
    operator = await current_operator()
    try:
        ended = await run(accounts.revoke_all_logins, account_id, operator)
    except IsOperator as error:
        return await _show(account_id, error)
    flash(f"Logins and tokens ended: {ended}.")
    return back(_path(account_id))


@blueprint.post("/customers/<uuid:account_id>/delete")
@page(Caller.OPERATOR)
async def post_delete(account_id: UUID) -> Response | WerkzeugResponse:
    """Delete the account."""
    operator, form = await current_operator(), await receive_form()
    name = (await run(accounts.show, account_id)).account.username
    try:
        _require_name(form.read(DeletionForm), name)
        await run(accounts.delete, account_id, operator)
    except (Invalid, IsOperator) as error:
        return await _show(account_id, error, part="delete")
    flash(f"The account {name} is deleted. Its orders stay.")
    return back("/admin/customers")


@blueprint.get("/audit")
@page(Caller.OPERATOR, query=AuditQuery)
async def show_audit(query: AuditQuery) -> Response:
    """Show what happened, newest first."""
    kind = query.event if query.event in KINDS else None
    before = int(query.after) if query.after.isascii() and query.after.isdigit() else None
    found = await run(
        audit.select_events,
        account_id=_read_id(query.account),
        kind=kind,
        before=before or None,
        limit=SHOWN + 1,
    )
    shown = found[:SHOWN]
    wanted = {name: text for name in ("account", "event") if (text := getattr(query, name))}
    more = {**wanted, "after": str(shown[-1].id)} if len(found) > SHOWN else {}
    return await render(
        "customers/audit.html",
        events=shown,
        kinds=KINDS,
        wanted=wanted,
        begin=not query.after,
        following=urlencode(more),
    )


class _Seen(msgspec.Struct, frozen=True):
    known: KnownAccount
    orders: OrderPage
    logins: list[Login]
    events: list[StoredEvent]


async def _select(db: Connection, account_id: UUID) -> _Seen:
    return _Seen(
        await accounts.show(db, account_id),
        await orders.history(db, account_id, limit=SHOWN),
        await logins.select_logins(db, account_id, clock.now(), None),
        await audit.select_events(db, account_id=account_id, limit=SHOWN),
    )


async def _show(
    account_id: UUID, error: Invalid | IsOperator | None = None, part: str = "act"
) -> Response:
    seen = await run(_select, account_id)
    message = ""
    if error:
        message = error.errors[0]["message"] if isinstance(error, Invalid) else f"{error.title}."
    return await render(
        "customers/customer.html",
        error.status if error else 200,
        seen=seen,
        part=part if error else "",
        message=message,
    )


def _require_name(data: DeletionForm, name: str) -> None:
    if data.username.strip() != name:
        raise Invalid("username", "This is another user name.", "invalid")


def _path(account_id: UUID) -> str:
    return f"/admin/customers/{account_id}"


def _read_id(text: str) -> UUID | None:
    """Return the id; one that is none finds what nobody has."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
