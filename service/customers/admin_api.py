"""Customers and the audit for operators (http-api, "Operators")."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta
from quart import Blueprint, Response

from service import accounts, audit
from service.accounts import IsOperator, KnownAccount
from service.database import run
from service.errors import NotFound
from service.http.endpoints import (
    Caller,
    Input,
    Moment,
    Output,
    answer,
    in_utc,
    no_content,
    operation,
)
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, Once
from service.http.operators import current_operator

from . import actions
from .api_types import (
    AccountExportOutput,
    AnyEvent,
    AuditEventOutput,
    CustomerOutput,
    audit_event_output,
    customer_output,
    export_output,
)

blueprint = Blueprint("customers_admin", __name__)


class CustomerSearch(Input):
    """Which customers: those that fit all that is said."""

    q: Annotated[
        str,
        Meta(
            max_length=254,
            description="What a user name begins with, an e-mail address (with its `@`), or an id.",
        ),
    ] = ""
    disabled: Annotated[bool, Meta(description="Only those that nobody is let in to.")] = False
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(max_length=254, description="`next` of the page before.")] = ""


class CustomerListOutput(Output):
    """A page of customers by user name, or by e-mail address; `next` is null on the last one."""

    customers: list[CustomerOutput]
    next: str | None


class EventSearch(Input):
    """Which events: those that fit all that is said."""

    account: Annotated[UUID | None, Meta(description="Of this account, deleted or not.")] = None
    by: Annotated[UUID | None, Meta(description="Of this operator's doing.")] = None
    subject: Annotated[
        str, Meta(max_length=128, description="Of this order's number, or this SKU.")
    ] = ""
    event: AnyEvent | None = None
    since: Annotated[Moment | None, Meta(description="Then or later.")] = None
    until: Annotated[Moment | None, Meta(description="Before.")] = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[
        Annotated[int, Meta(ge=1, le=2**63 - 1)] | None,
        Meta(description="`next` of the page before."),
    ] = None


class AuditOutput(Output):
    """A page of what happened, newest first; `next` is null on the last one."""

    events: list[AuditEventOutput]
    next: int | None


@blueprint.get("/customers")
@operation(Caller.OPERATOR, query=CustomerSearch, answers={200: CustomerListOutput})
async def search_customers(query: CustomerSearch) -> Response:
    """Find customers, disabled ones as well."""
    page = await run(
        accounts.find, query.q, limit=query.limit, after=query.after, disabled=query.disabled
    )
    return answer(CustomerListOutput([customer_output(each) for each in page.accounts], page.next))


@blueprint.get("/customers/<uuid:account_id>")
@operation(Caller.OPERATOR, answers={200: CustomerOutput}, errors=(NotFound,))
async def show_customer(account_id: UUID) -> Response:
    """Show a customer."""
    return _show(await run(accounts.show, account_id))


@blueprint.post("/customers/<uuid:account_id>/disable")
@operation(
    Caller.OPERATOR,
    answers={200: CustomerOutput},
    errors=(NotFound, IsOperator, KeyReused),
    headers=KEY_HEADER,
)
async def disable_customer(account_id: UUID) -> Response:
    """End every login and token of a customer, and let nobody in any more."""
    operator = await current_operator()
    _, response = await Once(to_response=_show).run(accounts.disable, account_id, operator)
    return response


@blueprint.post("/customers/<uuid:account_id>/enable")
@operation(
    Caller.OPERATOR,
    answers={200: CustomerOutput},
    errors=(NotFound, IsOperator, KeyReused),
    headers=KEY_HEADER,
)
async def enable_customer(account_id: UUID) -> Response:
    """Let a disabled customer log in again."""
    operator = await current_operator()
    _, response = await Once(to_response=_show).run(accounts.enable, account_id, operator)
    return response


@blueprint.post("/customers/<uuid:account_id>/end-sessions")
@operation(
    Caller.OPERATOR,
    answers={204: None},
    errors=(NotFound, IsOperator, KeyReused),
    headers=KEY_HEADER,
)
async def end_customers_logins(account_id: UUID) -> Response:
    """End every login and token of a customer, who can log in again."""
    operator = await current_operator()
    once: Once[int] = Once(to_response=lambda _: no_content())
    _, response = await once.run(accounts.revoke_all_logins, account_id, operator)
    return response


@blueprint.get("/customers/<uuid:account_id>/export")
@operation(Caller.OPERATOR, answers={200: AccountExportOutput}, errors=(NotFound,))
async def export_customer(account_id: UUID) -> Response:
    """Export all that is kept of a customer."""
    operator = await current_operator()
    return answer(export_output(await run(actions.export, account_id, operator)))


@blueprint.delete("/customers/<uuid:account_id>")
@operation(
    Caller.OPERATOR,
    answers={204: None},
    errors=(NotFound, IsOperator, KeyReused),
    headers=KEY_HEADER,
)
async def delete_customer(account_id: UUID) -> Response:
    """Delete a customer's account. Its orders stay, without the person."""
    operator = await current_operator()
    once: Once[None] = Once(to_response=lambda _: no_content())
    _, response = await once.run(accounts.delete, account_id, operator)
    return response


@blueprint.get("/audit")
@operation(Caller.OPERATOR, query=EventSearch, answers={200: AuditOutput})
async def list_events(query: EventSearch) -> Response:
    """List what happened to accounts, and what operators did, newest first."""
    found = await run(
        audit.select_events,
        account_id=query.account,
        by=query.by,
        subject=query.subject or None,
        kind=query.event,
        since=in_utc("since", query.since),
        until=in_utc("until", query.until),
        before=query.after,
        limit=query.limit + 1,
    )
    shown = [audit_event_output(stored) for stored in found[: query.limit]]
    return answer(AuditOutput(shown, shown[-1].id if len(found) > query.limit else None))


def _show(known: KnownAccount) -> Response:
    return answer(customer_output(known))
