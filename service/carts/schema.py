"""A cart as the API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from service.http.endpoints import Options, Output

from .merging import Outcome
from .model import Notice

if TYPE_CHECKING:
    from .merging import MergedLine
    from .model import Line
    from .opening import Opened

Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[int, Meta(ge=0, description="In the currency's minor unit.")]


class LineOutput(Output):
    """A variant in the cart. `unit_price` is today's, `added_price` the one when it was added.

    `currency` is the cart's, but for what is no longer sold in it; such a line is in no total.
    """

    sku: str
    handle: str
    title: str
    options: Options
    image: str | None
    quantity: Annotated[int, Meta(ge=1)]
    unit_price: Amount
    added_price: Amount
    line_total: Amount
    currency: str
    available: Annotated[int | None, Meta(description="Units in stock; null: not tracked.")]
    notice: Annotated[Notice, Meta(title="Notice")] | None


class CartOutput(Output):
    """A cart, its lines in the order they were first added. `id` is null before the first."""

    id: str | None
    revision: Count
    etag: Annotated[
        str, Meta(description="The `ETag` as it was sent, in case something on the way weakens it.")
    ]
    currency: str
    lines: list[LineOutput]
    quantity: Annotated[int, Meta(ge=0, description="Units, over all lines.")]
    total: Amount


class MergedLineOutput(Output):
    """What became of one line of the guest's cart; `dropped` is `capped` to 0."""

    sku: str
    guest_quantity: Count
    account_quantity: Count
    quantity: Count
    outcome: Annotated[Outcome, Meta(title="MergeOutcome")]


class MergeOutput(Output):
    """How the guest's cart joined the account's."""

    lines: list[MergedLineOutput]


def cart_output(opened: Opened, currency: str) -> CartOutput:
    """Return the cart for the API; ``currency`` is for one that is empty."""
    cart = opened.cart
    return CartOutput(
        id=str(cart.id) if cart.revision else None,
        revision=cart.revision,
        etag=f'"{opened.tag}"',
        currency=cart.currency or currency,
        lines=[_line_output(line) for line in cart.lines],
        quantity=cart.quantity,
        total=cart.total,
    )


def merge_output(receipt: tuple[MergedLine, ...]) -> MergeOutput | None:
    """Return the receipt for the API; None when the guest's cart had nothing."""
    if not receipt:
        return None
    return MergeOutput(
        [
            MergedLineOutput(
                line.sku, line.guest_quantity, line.account_quantity, line.quantity, line.outcome
            )
            for line in receipt
        ]
    )


def _line_output(line: Line) -> LineOutput:
    offer = line.offer
    return LineOutput(
        sku=offer.sku,
        handle=offer.handle,
        title=offer.title,
        options=dict(offer.options),
        image=offer.image,
        quantity=line.quantity,
        unit_price=offer.price,
        added_price=line.added_price,
        line_total=line.total,
        currency=offer.currency,
        available=offer.available,
        notice=line.notice,
    )
