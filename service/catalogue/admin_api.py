"""Stock, prices and what is shown, for operators (http-api, "Operators")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from quart import Blueprint, Response, request

from service.audit import Operator
from service.database import Connection, run
from service.errors import Invalid, InvalidCursor, NotFound
from service.http.endpoints import Amount, Caller, Input, Options, Output, answer, operation
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, Once
from service.http.operators import current_operator
from service.http.requests import SAFE_METHODS
from service.services import get_service
from service.settings import Settings

from . import admin
from .held import HeldCatalogue
from .model import (
    LOW,
    PRICE,
    STOCK,
    NoSuchVariant,
    NotPriced,
    ProductStatus,
    ShownProduct,
    StockedVariant,
    StockLimit,
    StockNotCounted,
    VariantChange,
)

blueprint = Blueprint("catalogue_admin", __name__)

MOST = 500
"""Variants that one request changes."""

Stock = Annotated[int, Meta(ge=0, le=STOCK, examples=[12])]
Added = Annotated[
    int, Meta(ge=-STOCK, le=STOCK, examples=[-2], extra_json_schema={"x-instead-of": "stock"})
]
Price = Annotated[int, Meta(ge=0, le=PRICE, examples=[28900])]
Sku = Annotated[str, Meta(min_length=1, max_length=128, examples=["TENT-2P-GREEN"])]


class VariantSearch(Input):
    """Which variants."""

    low: Annotated[
        Annotated[int, Meta(ge=0, le=LOW)] | None,
        Meta(description="So many in stock or fewer, the fewest first."),
    ] = None
    q: Annotated[
        str, Meta(max_length=200, description="The beginning of a SKU, or a part of a title.")
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    after: Annotated[str, Meta(max_length=160, description="`next` of the page before.")] = ""


class OperatorVariantOutput(Output):
    """A variant. `stock` is null where it isn't counted, and below 0 where too many were sold."""

    sku: str
    handle: str
    title: str
    options: Options
    price: Amount
    compare_at_price: Amount | None
    currency: str
    stock: Annotated[int | None, Meta(examples=[12])]
    oversell: Annotated[bool, Meta(description="May be ordered beyond its stock.")]
    published: Annotated[bool, Meta(description="The shop shows its product.")]


class OperatorVariantListOutput(Output):
    """A page of variants; `next` is null on the last one."""

    variants: list[OperatorVariantOutput]
    next: str | None


class VariantInput(Input):
    """What to change: the stock (`stock` sets it, null for not counted, `add` adds), the prices."""

    stock: Stock | UnsetType | None = UNSET
    add: Added | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    compare_at_price: Price | UnsetType | None = UNSET


class BatchVariantInput(VariantInput, kw_only=True):
    """What to change of a variant."""

    sku: Sku


class BatchInput(Input):
    """Variants to change, each once: all of them, or none."""

    variants: Annotated[list[BatchVariantInput], Meta(min_length=1, max_length=MOST)]


class ChangedVariantsOutput(Output):
    """The variants as they are now, in the order in which they were sent."""

    variants: list[OperatorVariantOutput]


class PublishedInput(Input):
    """Whether the shop shows it."""

    published: bool


class ShownProductOutput(Output):
    """A product; the shop shows it where it is published, whose `status` is as a file said."""

    handle: str
    title: str
    status: Annotated[ProductStatus, Meta(title="ProductStatus")]
    published: bool


@blueprint.get("/variants")
@operation(
    Caller.OPERATOR,
    query=VariantSearch,
    answers={200: OperatorVariantListOutput},
    errors=(InvalidCursor,),
)
async def search_variants(query: VariantSearch) -> Response:
    """List variants, by their stock where they are to be low in it."""
    page = await run(
        admin.find_variants,
        low=query.low,
        text=query.q,
        after=query.after or None,
        limit=query.limit,
    )
    return answer(OperatorVariantListOutput(list(map(_variant, page.variants)), page.next))


@blueprint.patch("/variants/<text:sku>")
@operation(
    Caller.OPERATOR,
    body=VariantInput,
    answers={200: OperatorVariantOutput},
    errors=(NoSuchVariant, StockNotCounted, StockLimit, NotPriced, KeyReused),
    headers=KEY_HEADER,
)
async def change_variant(sku: str, data: VariantInput) -> Response:
    """Set a variant's stock or add to it, and set its prices."""
    operator, change = await current_operator(), _change(sku, data)
    _, response = await Once(data, to_response=_show_variant).run(
        _change_one, change, operator, get_service(Settings).low_stock
    )
    return response


@blueprint.post("/variants/batch")
@operation(
    Caller.OPERATOR,
    body=BatchInput,
    answers={200: ChangedVariantsOutput},
    errors=(NoSuchVariant, StockNotCounted, StockLimit, NotPriced, KeyReused),
    headers=KEY_HEADER,
)
async def change_variants(data: BatchInput) -> Response:
    """Set or add to the stock of many variants, and set their prices: all of them, or none."""
    operator, changes, seen = await current_operator(), [], set()
    for place, each in enumerate(data.variants):
        where = f"variants[{place}]."
        if each.sku in seen:
            raise Invalid(f"{where}sku", "This is given more than once.", "given_twice")
        seen.add(each.sku)
        changes.append(_change(each.sku, each, where))
    _, response = await Once(data, to_response=_show_variants).run(
        admin.change_variants, changes, operator, get_service(Settings).low_stock
    )
    return response


@blueprint.patch("/products/<text:handle>")
@operation(
    Caller.OPERATOR,
    body=PublishedInput,
    answers={200: ShownProductOutput},
    errors=(NotFound, KeyReused),
    headers=KEY_HEADER,
)
async def publish_product(handle: str, data: PublishedInput) -> Response:
    """Show a product in the shop, or hide it."""
    operator = await current_operator()
    _, response = await Once(data, to_response=_show_product).run(
        admin.publish, handle, operator, published=data.published
    )
    return response


@blueprint.after_request
async def show_at_once(response: Response) -> Response:
    """Have this process answer with what was changed from now on."""
    if request.method not in SAFE_METHODS:
        get_service(HeldCatalogue).distrust()
    return response


async def _change_one(
    db: Connection, change: VariantChange, operator: Operator, low: int
) -> StockedVariant:
    (changed,) = await admin.change_variants(db, [change], operator, low)
    return changed


def _change(sku: str, data: VariantInput, where: str = "") -> VariantChange:
    """Return what is to be changed; raises `Invalid`."""
    change = VariantChange(sku, data.stock, data.add, data.price, data.compare_at_price)
    if UNSET not in (data.stock, data.add):
        raise Invalid(f"{where}add", "Set the stock or add to it, not both.", "invalid")
    if change == VariantChange(sku):
        raise Invalid(f"{where}stock", "Say what to change.", "required")
    return change


def _variant(variant: StockedVariant) -> OperatorVariantOutput:
    return OperatorVariantOutput(
        sku=variant.sku,
        handle=variant.handle,
        title=variant.title,
        options=dict(variant.options),
        price=variant.price,
        compare_at_price=variant.compare_at_price,
        currency=variant.currency,
        stock=variant.stock,
        oversell=variant.oversell,
        published=variant.published,
    )


def _show_variant(variant: StockedVariant) -> Response:
    return answer(_variant(variant))


def _show_variants(variants: Sequence[StockedVariant]) -> Response:
    return answer(ChangedVariantsOutput(list(map(_variant, variants))))


def _show_product(product: ShownProduct) -> Response:
    return answer(
        ShownProductOutput(product.handle, product.title, product.status, product.published)
    )
