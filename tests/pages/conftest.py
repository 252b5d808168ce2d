"""A browser without JavaScript, as far as forms and redirects go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from quart import Quart

from tests.support.shopping import PASSWORD, new_name


class Visitor(httpx.AsyncClient):
    """Somebody with cookies, who sends forms and follows where they lead."""

    async def send_form(self, path: str, **fields: object) -> httpx.Response:
        return await self.post(path, data={name: str(value) for name, value in fields.items()})

    async def register(self) -> str:
        """Make an account; returns its name."""
        name = new_name()
        response = await self.send_form(
            "/register", username=name, email=f"{name}@example.com", password=PASSWORD
        )
        assert f"Welcome, {name}" in response.text
        return name


@pytest.fixture
async def open_browser(app: Quart) -> AsyncIterator[Any]:
    """Open browsers, each with cookies of its own."""
    opened: list[Visitor] = []

    def open_one() -> Visitor:
        visitor = Visitor(
            transport=httpx.ASGITransport(cast("Any", app)),
            base_url="http://localhost",
            headers={"Accept": "text/html"},
            follow_redirects=True,
        )
        opened.append(visitor)
        return visitor

    yield open_one
    for visitor in opened:
        await visitor.aclose()


@pytest.fixture
def browser(open_browser: Any) -> Visitor:
    """A browser."""
    visitor: Visitor = open_browser()
    return visitor
