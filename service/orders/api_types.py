"""What a customer sends with an order, by the API and by the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from service.accounts import LONGEST_EMAIL, check_email
from service.errors import FieldError, Invalid
from service.http.endpoints import Input

from .details import (
    LONGEST_CODE,
    LONGEST_PHONE,
    LONGEST_TEXT,
    Contact,
    Details,
    PostalAddress,
)

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
