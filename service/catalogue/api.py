"""The catalogue over HTTP (http-api, "Catalogue")."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, request

from service.database import get_db
from service.errors import NotFound
from service.schemas import Caller, Input, Options, Output, answer, operation

from . import queries
from .model import TEXT_LENGTH

if TYPE_CHECKING:
    from quart import Response

    from .model import Image, Product, Variant

blueprint = Blueprint("catalogue", __name__)

Amount = Annotated[int, Meta(ge=0, description="In the currency's minor unit.")]


class ProductsQuery(Input, frozen=True):
    """Which products; a blank is the same as none."""

    q: Annotated[
        str,
        Meta(
            max_length=200,
            description='Words to find, with "…" for a phrase, `or`, and `-` for not.',
            examples=["tent -footprint"],
        ),
    ] = ""
    type: Annotated[str, Meta(max_length=TEXT_LENGTH, examples=["Tents"])] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(max_length=64, description="`next` of the page before.")] = ""


class ImageOutput(Output, frozen=True):
    """A picture."""

    src: str
    alt: str


class VariantOutput(Output, frozen=True):
    """What is put in a cart."""

    sku: str
    options: Options
    price: Amount
    compare_at_price: Annotated[
        int | None, Meta(description="What it is compared with, as the shop says.")
    ]
    currency: str
    available: Annotated[int | None, Meta(description="Units in stock; null: not tracked.")]
    orderable: Annotated[bool, Meta(description="Whether one can be ordered now.")]
    image: Annotated[
        ImageOutput | None,
        Meta(
            description="Its own picture.",
            examples=[{"src": "https://shop.example/green.jpg", "alt": "In green"}],
        ),
    ]


class ProductOutput(Output, frozen=True):
    """A product, and the variants it is sold in."""

    handle: str
    title: str
    description: Annotated[str, Meta(description="HTML that is safe to show.")]
    vendor: str
    type: str
    tags: list[str]
    images: list[ImageOutput]
    variants: list[VariantOutput]


class ProductsOutput(Output, frozen=True):
    """A page of products; `next` is null on the last one."""

    products: list[ProductOutput]
    next: str | None


@blueprint.get("/products")
@operation(Caller.ANYONE, query=ProductsQuery, answers={200: ProductsOutput})
async def list_products(query: ProductsQuery) -> Response:
    """List what is sold, oldest first."""
    page = await queries.select_products(
        await get_db(),
        search=query.q,
        type=query.type or None,
        limit=query.limit,
        after=query.after or None,
    )
    return answer(ProductsOutput([product_output(each) for each in page.products], page.next))


@blueprint.get("/products/<text:handle>")
@operation(
    Caller.ANYONE,
    answers={200: ProductOutput, 304: None},
    sends=("ETag",),
    errors=(NotFound,),
    headers={
        "If-None-Match": "The `ETag` of the answer that is known already: 304 if it still holds."
    },
)
async def show_product(handle: str) -> Response:
    """Show one product."""
    product = await queries.select_product(await get_db(), handle)
    if product is None:
        raise NotFound
    body = product_output(product)
    # Of the whole answer: stock changes without the product's row being touched.
    tag = hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]
    response = answer(body, ETag=f'"{tag}"', Cache_Control="no-cache")
    await response.make_conditional(request)
    return response


def product_output(product: Product) -> ProductOutput:
    """Return the product for the API."""
    return ProductOutput(
        handle=product.handle,
        title=product.title,
        description=product.description,
        vendor=product.vendor,
        type=product.type,
        tags=list(product.tags),
        images=[_image_output(image) for image in product.images],
        variants=[_variant_output(variant) for variant in product.variants],
    )


def _variant_output(variant: Variant) -> VariantOutput:
    return VariantOutput(
        sku=variant.sku,
        options=dict(variant.options),
        price=variant.price,
        compare_at_price=variant.compare_at_price,
        currency=variant.currency,
        available=variant.available,
        orderable=variant.orderable,
        image=_image_output(variant.image) if variant.image else None,
    )


def _image_output(image: Image) -> ImageOutput:
    return ImageOutput(image.src, image.alt)
