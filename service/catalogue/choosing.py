"""Choosing a variant by its options, as a page offers it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .model import Product, Variant

FIELDS = ("option1", "option2", "option3")
"""The names under which a form sends the values; a product has at most three options."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of an option, with the values chosen of the others.

    ``variant`` is what would be chosen with it, None where there is no such combination.
    """

    value: str
    chosen: bool
    variant: Variant | None


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """An option, and the values there are."""

    name: str
    field: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen of a product: ``variant`` is None for a combination that isn't made."""

    variant: Variant | None
    groups: tuple[ChoiceGroup, ...]


def choose(product: Product, values: Mapping[str, str], sku: str = "") -> Chosen:
    """Return what is chosen by a sku, or by the options' values under their `FIELDS`.

    What is not named, or not known, is as in the first variant that can be ordered.
    """
    variants = product.variants
    first = next((each for each in variants if each.orderable), variants[0])
    first = next((each for each in variants if each.sku == sku), first)
    names = [name for name, _ in first.options]
    by_values = {tuple(value for _, value in each.options): each for each in variants}
    if len(variants) == 1:
        return Chosen(first, ())
    if not _are_told_apart(product, names, by_values):
        return _by_sku(product, first)
    picked = []
    for place, (field, (_, value)) in enumerate(zip(FIELDS, first.options, strict=False)):
        known = {key[place] for key in by_values}
        given = values.get(field, "")
        picked.append(given if given in known else value)
    groups = []
    for place, (field, name) in enumerate(zip(FIELDS, names, strict=False)):
        choices = []
        for value in dict.fromkeys(key[place] for key in by_values):
            other = (*picked[:place], value, *picked[place + 1 :])
            choices.append(Choice(value, value == picked[place], by_values.get(other)))
        groups.append(ChoiceGroup(name, field, tuple(choices)))
    return Chosen(by_values.get(tuple(picked)), tuple(groups))


def _are_told_apart(
    product: Product, names: list[str], by_values: Mapping[tuple[str, ...], Variant]
) -> bool:
    """Return whether the values of the same few options name each variant."""
    same = all([name for name, _ in each.options] == names for each in product.variants)
    return same and 0 < len(names) <= len(FIELDS) and len(by_values) == len(product.variants)


def _by_sku(product: Product, first: Variant) -> Chosen:
    choices = tuple(Choice(variant.sku, variant is first, variant) for variant in product.variants)
    return Chosen(first, (ChoiceGroup("Choose", "sku", choices),))
