"""The page that shows the document."""

from __future__ import annotations

from html.parser import HTMLParser

from quart.typing import TestClientProtocol as Client


class Page(HTMLParser):
    """What a page loads, and what a strict content security policy would block."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.blocked: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        for name, value in attributes:
            if name == "src" or (name == "href" and tag == "link"):
                self.loaded.append(value or "")
            if name == "style" or name.startswith("on"):
                self.blocked.append(name)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"} and data.strip():
            self.blocked.append(data)


async def test_it_needs_nothing_from_elsewhere(client: Client) -> None:
    """All that the page of the API loads is served here."""
    page = Page(await (await client.get("/docs")).get_data(as_text=True))
    assert len(page.loaded) >= 4
    for path in page.loaded:
        assert path.startswith("/static/")
        assert (await client.get(path)).status_code == 200


async def test_every_operation_is_there_with_a_form_to_try_it(client: Client) -> None:
    """Each operation of the document has its place, its parameters and its example body."""
    document = await (await client.get("/openapi.json")).get_json()
    text = await (await client.get("/docs")).get_data(as_text=True)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            start = text.index(f'id="{operation["operationId"]}">')
            shown = text[start : text.index("</form>", start)]
            assert f'data-method="{method.upper()}" data-path="{path}"' in shown
            for parameter in operation["parameters"]:
                assert f'name="{parameter["name"]}"' in shown
            assert ("<textarea" in shown) is ("requestBody" in operation)


async def test_it_leads_to_the_shop_the_guide_and_the_document(client: Client) -> None:
    """The page of the API has a way back to the shop, and what it leads to is there."""
    text = await (await client.get("/docs")).get_data(as_text=True)
    for path in ("/", "/docs/http-api.md", "/openapi.json"):
        assert f'href="{path}"' in text
        assert (await client.get(path)).status_code == 200
    guide = await client.get("/docs/http-api.md")
    assert guide.content_type == "text/plain; charset=utf-8"
    assert "# " in await guide.get_data(as_text=True)


async def test_it_works_under_the_policy_of_all_pages(client: Client) -> None:
    """The page of the API has no script or style within, so its policy is that of all pages."""
    response = await client.get("/docs")
    assert Page(await response.get_data(as_text=True)).blocked == []
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


async def test_it_is_nobodys_own(client: Client) -> None:
    """The page of the API doesn't depend on who asks, so it may be kept, if asked for anew."""
    response = await client.get("/docs")
    assert "Cookie" not in response.headers.get("Vary", "")
    assert response.headers["ETag"]
    assert response.cache_control.no_cache or response.cache_control.max_age == 0
