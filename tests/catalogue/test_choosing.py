"""Choosing a variant by its options."""

from __future__ import annotations

import pytest

from service.catalogue import Product, Variant, choose


def variant(sku: str, stock: int = 1, **options: str) -> Variant:
    return Variant(sku, tuple(options.items()), 1000, None, "USD", stock, oversell=False)


def product(*variants: Variant) -> Product:
    return Product("a", "A", "", "", "", (), (), variants)


JACKET = product(
    variant("s-navy", 0, Size="S", Color="Navy"),
    variant("s-ochre", Size="S", Color="Ochre"),
    variant("m-navy", Size="M", Color="Navy"),
)


@pytest.mark.parametrize(
    ("values", "sku"),
    [
        ({}, "s-ochre"),
        ({"option1": "M", "option2": "Navy"}, "m-navy"),
        ({"option2": "Navy"}, "s-navy"),
        ({"option1": "XXL", "option2": "Ochre"}, "s-ochre"),
        ({"option1": "M", "option2": "Ochre"}, None),
    ],
)
def test_by_values(values: dict[str, str], sku: str | None) -> None:
    """What isn't named is as in the first that can be ordered; what isn't made is none."""
    chosen = choose(JACKET, values).variant
    assert (chosen and chosen.sku) == sku


def test_one_group_for_each_option() -> None:
    """Each value says what choosing it would lead to, with the others as they are."""
    groups = choose(JACKET, {}, "m-navy").groups
    assert [group.name for group in groups] == ["Size", "Color"]
    led = {
        each.value: each.variant and each.variant.sku for group in groups for each in group.choices
    }
    assert led == {"S": "s-navy", "M": "m-navy", "Navy": "m-navy", "Ochre": None}
    assert [each.value for group in groups for each in group.choices if each.chosen] == [
        "M",
        "Navy",
    ]


@pytest.mark.parametrize(
    "variants",
    [
        (variant("a", Size="S"), variant("b", Size="S")),
        (variant("a", Size="S"), variant("b", Color="Red")),
        (variant("a"), variant("b")),
        (variant("a", A="1", B="1", C="1", D="1"), variant("b", A="1", B="1", C="1", D="2")),
    ],
    ids=["alike", "other options", "no options", "too many"],
)
def test_by_sku_where_values_tell_nothing_apart(variants: tuple[Variant, ...]) -> None:
    """Variants whose options tell nothing apart are chosen by their SKU."""
    (group,) = choose(product(*variants), {}).groups
    assert group.field == "sku"
    assert [choice.value for choice in group.choices] == ["a", "b"]
    assert choose(product(*variants), {}, "b").variant == variants[1]


def test_one_variant_is_no_choice() -> None:
    """A product of one variant leaves nothing to choose."""
    assert choose(product(variant("a", Size="S")), {}).groups == ()
