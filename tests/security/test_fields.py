"""Fields by the thousand are refused before anything is done with them."""

from __future__ import annotations

import itertools
import string

import pytest
from quart.typing import TestClientProtocol as Client

from service.http.endpoints import MOST_FIELDS
from tests.support.shopping import API

FORM = "application/x-www-form-urlencoded"
PAIRS = map("".join, itertools.product(string.ascii_letters + string.digits, repeat=2))
NAMES = list(itertools.islice(PAIRS, 3800))


@pytest.mark.parametrize(
    "fields",
    [
        "&".join(itertools.islice(itertools.cycle(NAMES), 21_800)),
        "&".join(f"{name}=1" for name in NAMES),
        "&".join(["a=1"] * 16_000),
        "&" * 65_000,
        "&".join(f"f{number}" for number in range(MOST_FIELDS + 1)),
    ],
    ids=["repeated", "different", "one name", "no name", "one too many"],
)
async def test_too_many_fields(client: Client, fields: str) -> None:
    """422, by a form and by the API's query alike."""
    for path in ("/login", "/register", "/cart/lines"):
        response = await client.post(path, data=fields, headers={"Content-Type": FORM})
        assert response.status_code == 422
    response = await client.get(f"{API}/products?{fields[:30_000]}")
    assert response.status_code == 422


async def test_repeated_field_is_named(client: Client) -> None:
    """The field that was given more than once is named, wherever it stands."""
    for query in ("q=a&type=b&q=c", "q=a&q=b&type=c", "type=a&q=b&limit=1&q=c"):
        response = await client.get(f"{API}/products?{query}")
        (error,) = (await response.get_json())["errors"]
        assert (error["field"], error["code"]) == ("q", "given_twice")
