"""Requests that a browser sends for another site: the whole matrix."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import pytest
from quart import Quart

from service.hosts import same_origin
from tests.support.shopping import API, make_token, register

HOST = "localhost"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE = {"GET", "HEAD", "OPTIONS"}
TYPES = (None, "application/json", "text/plain", "application/x-www-form-urlencoded")
SITES = (None, "same-origin", "none", "same-site", "cross-site", "nonsense")
ORIGINS = (
    None,
    f"https://{HOST}",
    f"http://{HOST}",
    "https://evil.example",
    f"https://{HOST}.evil.example",
    f"https://evil.example/{HOST}",
    f"https://{HOST}:8443",
    "null",
    "http://[",
    "",
)
SAME_ORIGIN = {None, f"https://{HOST}", f"http://{HOST}"}
CREDENTIALS = ("cookie", "token", "none")
PATHS = {
    "POST": ("/cart/lines", {"sku": "x"}),
    "PUT": ("/cart/lines/x", {"quantity": 1}),
    "PATCH": ("/preferences", {"theme": "dark"}),
    "DELETE": ("/cart", None),
}


class Case(NamedTuple):
    method: str
    type: str | None
    site: str | None
    origin: str | None
    credential: str

    @property
    def refused(self) -> bool:
        """What the rule says, in other words than the code's."""
        if self.method in SAFE or self.credential == "token":
            return False
        if self.site is not None:
            return self.site not in {"same-origin", "none"}
        return self.origin not in SAME_ORIGIN


async def test_matrix(app: Quart) -> None:
    """403 `cross_site` for each unsafe request of another site with cookies or none; for no other.

    Over every method, `Sec-Fetch-Site` and `Origin`, with a cookie, a token, neither, and each of
    these with every content type in turn. Of the others, JSON routes take `application/json` alone.
    """
    clients: dict[str, Any] = {
        "cookie": app.test_client(),
        "token": app.test_client(use_cookies=False),
        "none": app.test_client(use_cookies=False),
    }
    await register(clients["cookie"])
    made = await make_token(clients["cookie"])
    token = made["token"]
    types = itertools.cycle(TYPES)
    cases = [
        Case(method, next(types), site, origin, credential)
        for method, site, origin, credential in itertools.product(
            METHODS, SITES, ORIGINS, CREDENTIALS
        )
    ]
    wrong = []
    for case in cases:
        headers = {
            "Host": HOST,
            "Content-Type": case.type,
            "Sec-Fetch-Site": case.site,
            "Origin": case.origin,
            "Authorization": f"Bearer {token}" if case.credential == "token" else None,
        }
        path, body = PATHS.get(case.method, ("/cart", None))
        response = await clients[case.credential].open(
            f"{API}{path}",
            method=case.method,
            headers={name: value for name, value in headers.items() if value is not None},
            data="{}" if body else None,
        )
        if case.refused:
            right = response.status_code == 403 and (
                (await response.get_json())["code"] == "cross_site"
            )
        elif body and case.type != "application/json":
            right = response.status_code == 415
        else:
            right = response.status_code in {200, 404, 422}
        if not right:
            wrong.append((case, response.status_code))
    assert not wrong
    assert len(cases) == 7 * 6 * 10 * 3


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/session", {"username": "nobody", "password": "nothing"}),
        ("DELETE", "/session", None),
        ("POST", "/account", {"username": "abc", "email": "a@b.example", "password": "x" * 12}),
        ("DELETE", "/account", {"current_password": "x"}),
        ("PUT", "/account/password", {"current_password": "x", "new_password": "y"}),
        ("POST", "/account/tokens", {"name": "x", "current_password": "x"}),
        ("DELETE", "/account/sessions", None),
        ("POST", "/orders", {"expected_total": 1}),
    ],
)
async def test_logging_in_and_out_is_covered(app: Quart, method: str, path: str, body: Any) -> None:
    """Another site can't log a browser in or out, nor do anything with its account."""
    client = app.test_client()
    await register(client)
    response = await client.open(
        f"{API}{path}", method=method, json=body, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
    assert (await response.get_json())["code"] == "cross_site"
    assert (await client.get(f"{API}/account")).status_code == 200


@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil"}])
async def test_forms_of_other_sites_are_refused(app: Quart, header: dict[str, str]) -> None:
    """A form elsewhere can't log a browser in or out, or put something in its cart."""
    client: Any = app.test_client()
    await register(client)
    for path in ("/login", "/register", "/logout", "/cart/lines"):
        response = await client.post(path, form={"username": "x", "password": "x"}, headers=header)
        assert response.status_code == 403, path
    assert (await client.get(f"{API}/account")).status_code == 200


async def test_no_cors_header_is_ever_sent(client: Any) -> None:
    """No other site is let in to read an answer, nor told that it may ask."""
    for method in ("GET", "OPTIONS"):
        response = await client.open(
            f"{API}/cart",
            method=method,
            headers={
                "Origin": "https://evil.example",
                "Access-Control-Request-Method": "DELETE",
                "Access-Control-Request-Headers": "authorization",
            },
        )
        assert not [name for name in response.headers.keys() if "access-control" in name.lower()]  # noqa: SIM118 - the pairs, else


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("https://shop.example", "shop.example:443", "http"),
        ("https://shop.example:443", "shop.example", "https"),
        ("http://shop.example", "shop.example:80", "http"),
        ("http://shop.example:80", "shop.example:", "http"),
        ("HTTPS://SHOP.example", "shop.EXAMPLE.", "https"),
        ("https://xn--bcher-kva.example", "XN--bcher-kva.example:443", "https"),
        ("http://[::1]:8000", "[0:0:0:0:0:0:0:1]:8000", "http"),
        ("https://shop.example:8443", "shop.example:8443", "http"),
        # TLS ends at a proxy that isn't believed.
        ("https://shop.example", "shop.example", "http"),
    ],
)
def test_same_site_in_other_words(origin: str, host: str, scheme: str) -> None:
    """One authority has many spellings; the default port is the same as none."""
    assert same_origin(origin, scheme, host)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("https://shop.example", "shop.example:80", "https"),
        ("http://shop.example", "shop.example:443", "http"),
        ("https://shop.example:8443", "shop.example", "https"),
        ("https://shop.example:444", "shop.example:443", "https"),
        # Whoever sits on the wire can write an http page of the same name.
        ("http://shop.example", "shop.example", "https"),
        ("ftp://shop.example", "shop.example", "http"),
        ("javascript://shop.example", "shop.example", "http"),
        ("https://shop.example/", "shop.example", "https"),
        ("https://shop.example/evil", "shop.example", "https"),
        ("https://shop.example?x", "shop.example", "https"),
        ("https://shop.example#x", "shop.example", "https"),
        ("https://evil@shop.example", "shop.example", "https"),
        ("//shop.example", "shop.example", "https"),
        ("shop.example", "shop.example", "https"),
        ("https://shop.example https://evil.example", "shop.example", "https"),
        ("https://", "", "https"),
        ("null", "null", "https"),
        ("https://shop.example:99999", "shop.example:99999", "https"),
    ],
)
def test_other_site_that_looks_alike(origin: str, host: str, scheme: str) -> None:
    """Scheme and port are part of an origin, and nothing may follow it."""
    assert not same_origin(origin, scheme, host)


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://localhost", "localhost:443", 204),
        ("http://localhost:80", "LOCALHOST.", 204),
        ("https://localhost/x", "localhost", 403),
        ("http://localhost", "localhost:443", 403),
    ],
)
async def test_origin_over_http(app: Quart, origin: str, host: str, status: int) -> None:
    """Behind http an `Origin` is the own one if scheme, host and port are, defaults left out."""
    response = await app.test_client().delete(
        f"{API}/session", headers={"Origin": origin, "Host": host}
    )
    assert response.status_code == status
