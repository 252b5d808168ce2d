"""What goes in and out, as FastAPI's users write it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LineIn(Input):
    sku: str = Field(max_length=255)
    quantity: int = Field(default=1, ge=1)


class QuantityIn(Input):
    quantity: int = Field(ge=0)


class LoginIn(Input):
    username: str = Field(max_length=254)
    password: str = Field(max_length=1024)


class OrderIn(Input):
    expected_total: int


class Image(BaseModel):
    src: str
    alt: str


class Variant(BaseModel):
    sku: str
    options: dict[str, str]
    price: int
    compare_at_price: int | None
    currency: str
    available: int | None
    orderable: bool


class Product(BaseModel):
    handle: str
    title: str
    description: str
    vendor: str
    type: str
    tags: list[str]
    images: list[Image]
    variants: list[Variant]


class Products(BaseModel):
    products: list[Product]
    next: str | None


class CartLine(BaseModel):
    sku: str
    handle: str
    title: str
    options: dict[str, str]
    image: str | None
    quantity: int
    unit_price: int
    added_price: int
    line_total: int
    available: int | None
    notice: str | None


class Cart(BaseModel):
    id: str | None
    revision: int
    etag: str
    currency: str
    lines: list[CartLine]
    quantity: int
    total: int


class MergedLine(BaseModel):
    sku: str
    guest_quantity: int
    account_quantity: int
    quantity: int
    outcome: str


class Merge(BaseModel):
    lines: list[MergedLine]


class User(BaseModel):
    id: str
    username: str
    email: str
    created_at: str


class LoggedIn(BaseModel):
    user: User
    cart: Cart
    merge: Merge | None


class OrderLine(BaseModel):
    sku: str
    title: str
    options: dict[str, str]
    quantity: int
    unit_price: int
    line_total: int


class Order(BaseModel):
    number: str
    status: str
    currency: str
    total: int
    placed_at: str
    lines: list[OrderLine]


class Orders(BaseModel):
    orders: list[Order]
    next: str | None
