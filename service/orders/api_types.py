"""What a customer sends with an order, and what the API shows of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from service.accounts import LONGEST_EMAIL, check_email
from service.errors import FieldError, Invalid
from service.http.endpoints import Amount, Input, Metadata, Moment, Options, Output

from .details import (
    LONGEST_CODE,
    LONGEST_PHONE,
    LONGEST_TEXT,
    Contact,
    Details,
    PostalAddress,
)
from .model import Order, OrderStatus

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]


class ContactInput(Input):
    """Whom an order is for. An account's e-mail address stands in for a missing one."""

    email: Annotated[str, Meta(max_length=LONGEST_EMAIL, examples=["ada@example.com"])] = ""
    name: Annotated[str, Meta(max_length=LONGEST_TEXT, examples=["Ada Lovelace"])] = ""
    phone: Annotated[str, Meta(max_length=LONGEST_PHONE, examples=["+49 30 123456"])] = ""


class AddressInput(Input):
    """A postal address. Which parts there must be depends on the country."""

    country: Annotated[
        str,
        Meta(min_length=2, max_length=2, description="ISO 3166-1 alpha-2.", examples=["DE"]),
    ]
    name: Annotated[str, Meta(max_length=LONGEST_TEXT, examples=["Ada Lovelace"])] = ""
    line1: Annotated[str, Meta(max_length=LONGEST_TEXT, examples=["Unter den Linden 1"])] = ""
    line2: Text = ""
    city: Annotated[str, Meta(max_length=LONGEST_TEXT, examples=["Berlin"])] = ""
    region: Text = ""
    postal_code: Annotated[str, Meta(max_length=LONGEST_CODE, examples=["10117"])] = ""


Number = Annotated[str, Meta(examples=["K7RX-3MD3"])]


class ContactOutput(Output):
    """Whom an order is for."""

    email: str
    name: str
    phone: str


class AddressOutput(Output):
    """A postal address."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str


class OrderLineOutput(Output, omit_defaults=True):
    """What was bought of a variant, by the name and at the price of then.

    `fulfilled` and `cancelled` are there where they aren't 0, unless all of the order is cancelled.
    """

    sku: str
    title: str
    options: Options
    quantity: Annotated[int, Meta(ge=1)]
    unit_price: Amount
    line_total: Amount
    metadata: Metadata
    fulfilled: Annotated[int, Meta(ge=0, description="Units that were sent.", examples=[1])] = 0
    cancelled: Annotated[int, Meta(ge=0, description="Units that will not be.", examples=[1])] = 0


class SentLineOutput(Output):
    """How much of a variant went out."""

    sku: str
    quantity: Annotated[int, Meta(ge=1)]


class FulfilmentOutput(Output):
    """What went out at one time. `tracking` is the carrier's number or address, or blank."""

    at: Moment
    lines: list[SentLineOutput]
    tracking: Annotated[str, Meta(examples=["00340434161094042557"])]


class OrderOutput(Output, omit_defaults=True):
    """An order. `number` is for people: no two of its characters look alike.

    `key` is in the answer to the guest who placed it, and shows the order as `Locker-Order-Key`.
    """

    number: Number
    status: Annotated[OrderStatus, Meta(title="OrderStatus")]
    placed_at: Moment
    currency: str
    lines: list[OrderLineOutput]
    total: Amount
    contact: ContactOutput | None
    shipping_address: AddressOutput | None
    billing_address: AddressOutput | None
    note: str
    metadata: Metadata
    fulfilments: list[FulfilmentOutput]
    key: str | None = None


class OperatorOrderOutput(Output):
    """An order as operators see it. `note` is theirs, which the customer doesn't see."""

    number: Number
    status: Annotated[OrderStatus, Meta(title="OrderStatus")]
    placed_at: Moment
    currency: str
    lines: list[OrderLineOutput]
    total: Amount
    contact: ContactOutput | None
    shipping_address: AddressOutput | None
    billing_address: AddressOutput | None
    customer_note: Annotated[str, Meta(examples=[""])]
    metadata: Metadata
    fulfilments: list[FulfilmentOutput]
    note: str
    account_id: Annotated[str | None, Meta(examples=[None], description="None: a guest's.")]
    etag: str


def details_of(
    contact: ContactInput | None,
    shipping_address: AddressInput | None,
    billing_address: AddressInput | None,
    note: str,
    metadata: Mapping[str, str],
) -> Details:
    """Return the details; raises `Invalid` with all that is wrong."""
    errors: list[FieldError] = []
    if contact and contact.email:
        try:
            contact = msgspec.structs.replace(contact, email=check_email(contact.email))
        except Invalid as error:
            message = error.errors[0]["message"]
            errors.append({"field": "contact.email", "message": message, "code": "bad_email"})
    details = Details(
        contact=Contact(**msgspec.structs.asdict(contact)) if contact else None,
        shipping_address=_address(shipping_address),
        billing_address=_address(billing_address),
        note=note,
        metadata=metadata,
    )
    errors += details.find_errors()
    if errors:
        raise Invalid.of(errors)
    return details


def _address(given: AddressInput | None) -> PostalAddress | None:
    return PostalAddress(**msgspec.structs.asdict(given)) if given else None


def order_output(order: Order, key: str | None = None) -> OrderOutput:
    """Return the order for the API, with a guest's ``key`` where it is to be said."""
    return OrderOutput(**_common_outputs(order), note=order.details.note, key=key)


def operator_order_output(order: Order) -> OperatorOrderOutput:
    """Return the order for operators."""
    return OperatorOrderOutput(
        **_common_outputs(order),
        customer_note=order.details.note,
        note=order.operator_note,
        account_id=str(order.account_id) if order.account_id else None,
        etag=f'"{order.tag}"',
    )


def _common_outputs(order: Order) -> dict[str, Any]:
    """Return what customers and operators see alike."""
    said = order.details
    return {
        "number": order.number,
        "status": order.status,
        "placed_at": order.placed_at,
        "currency": order.currency,
        "lines": _line_outputs(order),
        "total": order.total,
        "contact": ContactOutput(**asdict(said.contact)) if said.contact else None,
        "shipping_address": _address_output(said.shipping_address),
        "billing_address": _address_output(said.billing_address),
        "metadata": dict(said.metadata),
        "fulfilments": _fulfilment_outputs(order),
    }


def _line_outputs(order: Order) -> list[OrderLineOutput]:
    outcomes = [(line, order.outcome(line)) for line in order.lines]
    return [
        OrderLineOutput(
            sku=line.sku,
            title=line.title,
            options=dict(line.options),
            quantity=line.quantity,
            unit_price=line.unit_price,
            line_total=line.total,
            metadata=dict(line.metadata),
            fulfilled=outcome.fulfilled,
            cancelled=0 if order.status == "cancelled" else outcome.cancelled,
        )
        for line, outcome in outcomes
    ]


def _fulfilment_outputs(order: Order) -> list[FulfilmentOutput]:
    return [
        FulfilmentOutput(
            at=each.at,
            lines=[SentLineOutput(line.sku, line.quantity) for line in each.lines],
            tracking=each.tracking,
        )
        for each in order.fulfilments
    ]


def _address_output(address: PostalAddress | None) -> AddressOutput | None:
    return AddressOutput(**asdict(address)) if address else None
