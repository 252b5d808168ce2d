"""What the API takes and gives of a cart: the bodies, and the conditions of a change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from quart import request

from service.errors import RevisionMismatch
from service.http.endpoints import Amount, Input, Metadata, Options, Output
from service.http.requests import SAFE_METHODS
from service.services import get_service
from service.settings import Settings

from .actions import UNCONDITIONAL, Condition, ConditionFailed
from .loading import LoadedCart
from .merging import MergedLine, MergeOutcome
from .model import Cart, Line, Notice

NotNegative = Annotated[int, Meta(ge=0)]

LARGEST_QUANTITY = 1_000_000
"""What a request may ask for at all; the setting `cart_max_quantity` is what it may get."""

TAGS = re.compile(r'(W/)?"([^"]*)"')
CART_TOKEN = {
    "Locker-Cart": "The token of a guest's cart, from `POST /carts`. No cookie is read or set."
}
"""What `operation` says of the header, for all that acts on a cart."""
IF_MATCH = {"If-Match": "The `ETag` of the cart that this is meant for; else 412."}
IF_NONE_MATCH = {"If-None-Match": "`*`: only if there is no such line yet; else 412."}


class LineQuery(Input):
    """Which line of the variant."""

    line: Annotated[
        str, Meta(max_length=64, description="A line's `id`, where the cart has several.")
    ] = ""


class LineOutput(Output):
    """A variant in the cart. `unit_price` is today's, `added_price` the one when it was added.

    `currency` is the cart's, but for what is no longer sold in it; such a line is in no total.
    `id` tells a line from others of the same variant, which have other `metadata`.
    """

    id: str
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
    metadata: Metadata


class CartOutput(Output):
    """A cart, its lines in the order they were first added. `id` is null before the first."""

    id: str | None
    revision: NotNegative
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
    guest_quantity: NotNegative
    account_quantity: NotNegative
    quantity: NotNegative
    outcome: Annotated[MergeOutcome, Meta(title="MergeOutcome")]


class MergeOutput(Output):
    """How the guest's cart joined the account's."""

    lines: list[MergedLineOutput]


class CartMismatch(RevisionMismatch):
    """The cart as it is now comes with it."""

    extra: ClassVar[Mapping[str, Any]] = {"cart": CartOutput}


def cart_output(loaded: LoadedCart) -> CartOutput:
    """Return the cart for the API; one that is empty is in the shop's currency."""
    cart = loaded.cart
    return CartOutput(
        id=str(cart.id) if cart.revision else None,
        revision=cart.revision,
        etag=f'"{loaded.tag}"',
        currency=cart.currency or get_service(Settings).currency,
        lines=_line_outputs(cart),
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


def read_condition() -> Condition:
    """Return what the request's preconditions ask for (RFC 9110, 13.1).

    `operation` has refused those that the view doesn't name; a read ignores ``If-None-Match``,
    since prices and stock change without the tag.
    """
    if "If-Match" not in request.headers and "If-None-Match" not in request.headers:
        return UNCONDITIONAL
    match, none_match = _precondition("If-Match"), _precondition("If-None-Match")
    if request.method in SAFE_METHODS:
        none_match = None
    return Condition(
        tags=None if match in {None, "*"} else _tags(match, weak=False),
        exists=match == "*",
        others=frozenset() if none_match in {None, "*"} else _tags(none_match, weak=True),
        absent=none_match == "*",
    )


def _precondition(name: str) -> str | None:
    # A list may come in several lines (RFC 9110, 5.3).
    lines = request.headers.getlist(name)
    return ", ".join(lines).strip() if lines else None


def _tags(header: str, *, weak: bool) -> frozenset[str]:
    """Return the tags of a list; a weak one never matches where a change depends on it."""
    return frozenset(tag for prefix, tag in TAGS.findall(header) if weak or not prefix)


@contextmanager
def showing_mismatches() -> Iterator[None]:
    """Answer a condition that isn't met with the cart as it is now."""
    try:
        yield
    except ConditionFailed as failed:
        raise CartMismatch(failed.detail, cart=cart_output(failed.loaded)) from None


def _line_outputs(cart: Cart) -> list[LineOutput]:
    notices = cart.notices
    return [_line_output(line, notices.get(line.key)) for line in cart.lines]


def _line_output(line: Line, notice: Notice | None) -> LineOutput:
    offer = line.offer
    return LineOutput(
        id=line.id,
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
        notice=notice,
        metadata=dict(line.metadata),
    )
