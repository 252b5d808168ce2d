"""The catalogue over HTTP (http-api, "Catalogue")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from service.database import get_db
from service.errors import NotFound
from service.http.endpoints import Amount, Caller, Input, Options, Output, answer, operation
from service.http.prefix import place_address
from service.http.requests import current_request
from service.services import get_service
from service.standby import read_public

from . import cursor, facet_queries, list_queries, queries, search
from .held import HeldCatalogue, ReadyProduct, mark_own
from .model import (
    EVERYTHING,
    PRICE,
    TEXT_LENGTH,
    FacetCount,
    Facets,
    Image,
    Product,
    Selection,
    Sort,
    Variant,
)
from .suggestions import suggest

blueprint = Blueprint("catalogue", __name__)

TYPES = 250
"""In one answer; a catalogue with more is better searched."""


class ProductsQuery(Input, frozen=True):
    """Which products; a blank text is the same as none."""

    q: Annotated[
        str,
        Meta(
            max_length=search.LONGEST,
            description='Words to find, with "…" for a phrase, `or`, and `-` for not. The last one'
            " may be the beginning of a word.",
            examples=["tent -footprint"],
        ),
    ] = ""
    type: Annotated[str, Meta(max_length=TEXT_LENGTH, examples=["Tents"])] = ""
    vendor: Annotated[str, Meta(max_length=TEXT_LENGTH, examples=["Northfell"])] = ""
    tag: Annotated[str, Meta(max_length=TEXT_LENGTH, examples=["camping"])] = ""
    min_price: Annotated[
        int, Meta(ge=0, le=PRICE, description="Of its lowest, in the currency's minor unit.")
    ] = 0
    max_price: Annotated[int, Meta(ge=0, le=PRICE, description="Likewise.")] = PRICE
    available: Annotated[bool, Meta(description="Only what can be ordered now.")] = False
    sort: Annotated[
        Sort | None,
        Meta(description="`relevance` if there is a `q`, else `newest`; a minus is downwards."),
    ] = None
    facets: Annotated[bool, Meta(description="Whether to answer with `facets`.")] = False
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[
        str, Meta(max_length=cursor.LONGEST, description="`next` of the page before.")
    ] = ""

    def selection(self) -> Selection:
        """Return the products that it asks for."""
        return Selection(
            text=self.q,
            type=self.type,
            vendor=self.vendor,
            tag=self.tag,
            min_price=self.min_price or None,
            max_price=self.max_price if self.max_price < PRICE else None,
            available=self.available,
        )


class SuggestQuery(Input, frozen=True):
    """What was typed so far."""

    q: Annotated[str, Meta(max_length=search.LONGEST, examples=["ten"])] = ""


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


class CountOutput(Output, frozen=True):
    """A value, and how many products have it; null where there are too many to count."""

    value: Annotated[str, Meta(examples=["Tents"])]
    count: Annotated[int | None, Meta(examples=[4])]


class FacetsOutput(Output, frozen=True):
    """What the list can be narrowed by: for each, the values there would be without its filter."""

    types: list[CountOutput]
    vendors: Annotated[list[CountOutput], Meta(examples=[[{"value": "Northfell", "count": 4}]])]
    tags: Annotated[list[CountOutput], Meta(examples=[[{"value": "camping", "count": 3}]])]


class ProductListOutput(Output, frozen=True):
    """A page of products; `next` is null on the last one."""

    products: list[ProductOutput]
    next: str | None
    total: Annotated[int | None, Meta(description="Of all pages; null beyond 1,000.", examples=[1])]
    facets: FacetsOutput | msgspec.UnsetType = msgspec.UNSET


class HeldListOutput(Output, frozen=True):
    """A `ProductListOutput` whose products are JSON already."""

    products: list[msgspec.Raw]
    next: str | None
    total: int | None


class TypesOutput(Output, frozen=True):
    """The types of what is sold, in the order of the alphabet."""

    types: list[CountOutput]


class SuggestionOutput(Output, frozen=True):
    """A product to go to."""

    handle: str
    title: str


class SuggestionsOutput(Output, frozen=True):
    """Products, best first; where nothing has what was typed, of what was probably meant."""

    products: list[SuggestionOutput]
    did_you_mean: Annotated[str | None, Meta(examples=["tent"])]


@blueprint.get("/products")
@operation(Caller.ANYONE, query=ProductsQuery, answers={200: ProductListOutput})
async def list_products(query: ProductsQuery) -> Response:
    """List what is sold, or what a search finds."""
    selection, sort, after = query.selection(), query.sort or "relevance", query.after or None
    if selection == EVERYTHING and not query.facets:
        held = get_service(HeldCatalogue).list_all(sort, query.limit, after)
        if held is not None:
            prefix = current_request().root_path
            bodies = [msgspec.Raw(each.body(prefix)) for each in held.products]
            return answer(HeldListOutput(bodies, held.next, held.total))
    page = await read_public(
        list_queries.select_products, selection, sort=sort, limit=query.limit, after=after
    )
    body = ProductListOutput(
        [product_output(each) for each in page.products],
        page.next,
        page.total,
        _facets_output(await read_public(facet_queries.select_facets, selection))
        if query.facets
        else msgspec.UNSET,
    )
    return answer(body)


@blueprint.get("/products/suggest")
@operation(Caller.ANYONE, query=SuggestQuery, answers={200: SuggestionsOutput})
async def suggest_products(query: SuggestQuery) -> Response:
    """Suggest products while somebody types."""
    found = await read_public(suggest, query.q)
    products = [SuggestionOutput(each.handle, each.title) for each in found.products]
    return answer(SuggestionsOutput(products, found.did_you_mean))


@blueprint.get("/product-types")
@operation(Caller.ANYONE, answers={200: TypesOutput})
async def list_product_types() -> Response:
    """List the types of what is sold."""
    types = await read_public(facet_queries.select_types, TYPES)
    return answer(TypesOutput(_count_outputs(types)))


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
    product = get_service(HeldCatalogue).find(handle)
    if product is None:
        found = await queries.select_product(await get_db(), handle)
        if found is None:
            raise NotFound
        product = make_ready(found)
    received = current_request()
    body, tag = product.below(received.root_path)
    response = answer(msgspec.Raw(body), ETag=f'"{tag}"', Cache_Control="no-cache")
    await response.make_conditional(received)
    return response


def make_ready(product: Product) -> ReadyProduct:
    """Return the product's answer, for any prefix."""
    return ReadyProduct.of(product.handle, msgspec.json.encode(product_output(product, mark_own)))


def product_output(product: Product, place: Callable[[str], str] = place_address) -> ProductOutput:
    """Return the product for the API; ``place`` is what becomes of its pictures' addresses."""
    return ProductOutput(
        handle=product.handle,
        title=product.title,
        description=product.description,
        vendor=product.vendor,
        type=product.type,
        tags=list(product.tags),
        images=[_image_output(image, place) for image in product.images],
        variants=[_variant_output(variant, place) for variant in product.variants],
    )


def _variant_output(variant: Variant, place: Callable[[str], str]) -> VariantOutput:
    return VariantOutput(
        sku=variant.sku,
        options=dict(variant.options),
        price=variant.price,
        compare_at_price=variant.compare_at_price,
        currency=variant.currency,
        available=variant.available,
        orderable=variant.orderable,
        image=_image_output(variant.image, place) if variant.image else None,
    )


def _image_output(image: Image, place: Callable[[str], str]) -> ImageOutput:
    return ImageOutput(place(image.src), image.alt)


def _facets_output(facets: Facets) -> FacetsOutput:
    return FacetsOutput(
        types=_count_outputs(facets.types),
        vendors=_count_outputs(facets.vendors),
        tags=_count_outputs(facets.tags),
    )


def _count_outputs(counts: Iterable[FacetCount]) -> list[CountOutput]:
    return [CountOutput(each.value, each.count) for each in counts]
