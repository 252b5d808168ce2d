"""A body that is packed in a way we don't read is refused, whatever is in it."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client
from werkzeug.datastructures import Headers

from tests.support.shopping import API, Product

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", True),
        ("deflate", True),
        ("br", False),
        ("GZIP", False),
        ("zstd", False),
        ("identity, gzip", False),
        ("gzip, identity", False),
        ("nonsense", False),
    ],
)
@pytest.mark.parametrize("form", [False, True])
async def test_content_coding(
    client: Client, product: Product, coding: str, *, packed: bool, form: bool
) -> None:
    """415, with `Accept-Encoding: identity`; nothing is added (RFC 9110, 15.5.16)."""
    plain = f"sku={product.sku}".encode() if form else json.dumps({"sku": product.sku}).encode()
    body = plain
    if packed:
        body = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    path = "/cart/lines" if form else f"{API}/cart/lines"
    headers = {
        "Content-Type": FORM if form else "application/json",
        "Content-Encoding": coding,
    }
    response = await client.post(path, data=body, headers=headers)
    assert response.status_code == 415
    assert response.headers["Accept-Encoding"] == "identity"
    assert (await response.get_json())["code"] == "unsupported_media_type"
    cart: Any = await (await client.get(f"{API}/cart")).get_json()
    assert cart["lines"] == []


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_no_content_coding(client: Client, product: Product, coding: str) -> None:
    """A body that says that it isn't packed is read."""
    response = await client.post(
        f"{API}/cart/lines",
        data=json.dumps({"sku": product.sku}),
        headers={"Content-Type": "application/json", "Content-Encoding": coding},
    )
    assert response.status_code == 201


async def test_content_coding_in_a_second_field(client: Client, product: Product) -> None:
    """Fields of one name are one list (RFC 9110, 5.3)."""
    response = await client.post(
        f"{API}/cart/lines",
        data=json.dumps({"sku": product.sku}),
        headers=Headers(
            [
                ("Content-Type", "application/json"),
                ("Content-Encoding", "identity"),
                ("Content-Encoding", "br"),
            ]
        ),
    )
    assert response.status_code == 415


async def test_media_type_alone(client: Client) -> None:
    """A wrong media type says nothing of codings."""
    response = await client.post(f"{API}/cart/lines", data="{}", headers={"Content-Type": "x/y"})
    assert response.status_code == 415
    assert "Accept-Encoding" not in response.headers
