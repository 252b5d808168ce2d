"""A product for machines that read pages: schema.org's terms. No I/O."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote, urljoin

from babel.numbers import get_currency_precision

from .model import Product

IMAGES = 9


def describe(product: Product, origin: str) -> dict[str, Any]:
    """Return the product as JSON-LD; ``origin`` is what its relative addresses are relative to."""
    prices = [variant.price for variant in product.variants]
    currency = product.variants[0].currency
    orderable = any(variant.orderable for variant in product.variants)
    about: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "url": f"{origin}/products/{quote(product.handle)}",
        "image": [urljoin(f"{origin}/", image.src) for image in product.images[:IMAGES]],
        "offers": {
            "@type": "AggregateOffer",
            "lowPrice": _plain(min(prices), currency),
            "highPrice": _plain(max(prices), currency),
            "priceCurrency": currency,
            "offerCount": len(prices),
            "availability": f"https://schema.org/{'InStock' if orderable else 'OutOfStock'}",
        },
    }
    if product.vendor:
        about["brand"] = {"@type": "Brand", "name": product.vendor}
    if len(product.variants) == 1:
        about["sku"] = product.variants[0].sku
    return about


def _plain(amount: int, currency: str) -> str:
    return f"{Decimal(amount).scaleb(-get_currency_precision(currency)):f}"
