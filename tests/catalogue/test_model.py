"""What may be ordered."""

from __future__ import annotations

import pytest

from service.catalogue import Variant


@pytest.mark.parametrize(
    ("stock", "oversell", "available", "orderable"),
    [
        (3, False, 3, True),
        (0, False, 0, False),
        (-1, False, 0, False),
        (0, True, 0, True),
        (-1, True, 0, True),
        (None, False, None, True),
    ],
)
def test_orderable(
    stock: int | None, available: int | None, *, oversell: bool, orderable: bool
) -> None:
    """A variant can be ordered while there is stock, or where stock doesn't matter."""
    variant = Variant("SKU", (), 999, None, "USD", stock, oversell)
    assert (variant.available, variant.orderable) == (available, orderable)
