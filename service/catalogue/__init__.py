"""What the shop sells. Start with `model`, then `shopify` for how it comes in."""

from __future__ import annotations

from pathlib import Path

from .actions import ImportOptions, change_currency, import_products
from .admin import VariantPage, change_variants, find_variants, publish
from .cells import BadCell
from .cells import price as parse_price
from .choosing import FIELDS, choose
from .facet_queries import select_types
from .held import HeldCatalogue
from .import_queries import count_other_currencies, select_currency
from .language_queries import select_search_language
from .list_queries import select_products
from .model import (
    HANDLE_LENGTH,
    LOW,
    SKU_LENGTH,
    STOCK,
    Image,
    ImportRefused,
    Page,
    Product,
    Selection,
    StockedVariant,
    StockLimit,
    StockNotCounted,
    Variant,
    VariantChange,
)
from .queries import is_empty, select_listings, select_product
from .report import ImportReport
from .rows import BadRow
from .search_language import change_search_language
from .stock_queries import LOCK_STOCK_CTE, give_back_stock, take_stock_cte

SAMPLE = Path(__file__).with_name("sample.csv")
"""A small shop's catalogue, to try the service with."""

__all__ = [
    "FIELDS",
    "HANDLE_LENGTH",
    "LOCK_STOCK_CTE",
    "LOW",
    "SAMPLE",
    "SKU_LENGTH",
    "STOCK",
    "BadCell",
    "BadRow",
    "HeldCatalogue",
    "Image",
    "ImportOptions",
    "ImportRefused",
    "ImportReport",
    "Page",
    "Product",
    "Selection",
    "StockLimit",
    "StockNotCounted",
    "StockedVariant",
    "Variant",
    "VariantChange",
    "VariantPage",
    "change_currency",
    "change_search_language",
    "change_variants",
    "choose",
    "count_other_currencies",
    "find_variants",
    "give_back_stock",
    "import_products",
    "is_empty",
    "parse_price",
    "publish",
    "select_currency",
    "select_listings",
    "select_product",
    "select_products",
    "select_search_language",
    "select_types",
    "take_stock_cte",
]
