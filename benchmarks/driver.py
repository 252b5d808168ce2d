"""Shoppers: the journey of 14 requests, over HTTP/1.1, each answer checked.

    python -m benchmarks.driver '{"port": 8000, "shoppers": 16, "seconds": 5}'

prints as JSON how many requests were answered, how fast, and what this process itself cost. It runs
beside the server as a process of its own and is made to cost little: no HTTP library, one task for
each shopper. A wrong answer ends it.

With a ``rate`` (requests a second) shoppers begin when their time has come, whether earlier ones
have been answered or not, and a request's time counts from when it should have begun: so a server
that stands still for a second is seen to, as by everybody who came meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

API = "/api/v1"
PASSWORD = "correct horse battery staple"  # noqa: S105 - nobody's
STEPS = 14
PAUSE = 0.02
"""Seconds between a shopper's requests, where shoppers come at a rate."""
LATE = 60.0
"""Seconds; an answer that takes longer never comes."""


class WrongAnswer(Exception):
    """The server did not do what the journey needs."""


class Plan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a driver is to do; a ``route`` alone, or the whole journey."""

    port: int
    shoppers: int = 16
    seconds: float = 5.0
    rate: float | None = None
    route: str = "journey"
    account: int = 0
    """The first of the accounts that are this run's own."""
    accounts: int = 1000
    journeys: int | None = None
    """End after so many, whatever the time."""


@dataclass(slots=True)
class Seen:
    """What a run of the driver saw."""

    times: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, seconds: float) -> None:
        self.times.setdefault(name, []).append(seconds)


class Browser:
    """One connection, and the cookies that came over it."""

    def __init__(self, port: int, seen: Seen, number: int) -> None:
        self._port, self._seen = port, seen
        self._cookies: dict[str, str] = {}
        # Each shopper has an address of their own, where the system has many: a count by address
        # would make all wait for one row.
        self._address = f"127.0.{1 + number // 250 % 250}.{1 + number % 250}"
        if sys.platform != "linux":
            self._address = "127.0.0.1"
        self.due: float | None = None

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(self._address, 0)
        )

    def close(self) -> None:
        self._writer.close()

    async def ask(
        self,
        name: str,
        method: str,
        path: str,
        expected: int,
        body: dict[str, Any] | None = None,
        *,
        key: str = "",
    ) -> Any:
        """Return what is in the answer, once that is complete."""
        head = f"{method} {API}{path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        if self._cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            head += f"Cookie: {pairs}\r\n"
        if key:
            head += f"Idempotency-Key: {key}\r\n"
        content = b""
        if body is not None:
            content = msgspec.json.encode(body)
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        began = time.perf_counter()
        if self.due is not None:
            await asyncio.sleep(self.due - began)
            began = self.due
        self._writer.write(head.encode() + b"\r\n" + content)
        async with asyncio.timeout(LATE):
            status, answer = await self._answer()
        self._seen.note(name, time.perf_counter() - began)
        if self.due is not None:
            self.due += PAUSE
        if status != expected:
            raise WrongAnswer(f"{name}: {status} {answer[:300]!r}")
        return msgspec.json.decode(answer) if answer else None

    async def _answer(self) -> tuple[int, bytes]:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        length, chunked = 0, False
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            match name.lower():
                case b"content-length":
                    length = int(value)
                case b"transfer-encoding":
                    chunked = b"chunked" in value
                case b"set-cookie":
                    self._keep(value.strip().decode())
        return int(lines[0][9:12]), await (self._chunks() if chunked else self._body(length))

    async def _body(self, length: int) -> bytes:
        return await self._reader.readexactly(length) if length else b""

    async def _chunks(self) -> bytes:
        content = b""
        while size := int(await self._reader.readline(), 16):
            content += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return content

    def _keep(self, cookie: str) -> None:
        pair, _, rest = cookie.partition(";")
        name, _, value = pair.partition("=")
        if "max-age=0" in rest.lower() or not value.strip('"'):
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value


def check(condition: bool, what: str, answer: Any) -> None:  # noqa: FBT001 - a fact, no flag
    """Raise `WrongAnswer` unless it is so."""
    if not condition:
        raise WrongAnswer(f"{what}: {str(answer)[:300]}")


async def journey(browser: Browser, account: int) -> None:
    """Look, put in the cart, log in, order, log out: 14 requests, which need each other."""
    listed = (await browser.ask("list", "GET", "/products?limit=20", 200))["products"]
    check(len(listed) == 20, "20 products", listed)  # noqa: PLR2004
    skus, total = [], 0
    for place in range(3):
        handle = listed[(account + place) % len(listed)]["handle"]
        product = await browser.ask("product", "GET", f"/products/{handle}", 200)
        check(product["handle"] == handle, "the product", product)
        skus.append(product["variants"][0]["sku"])
        total += product["variants"][0]["price"]
    for number, sku in enumerate(skus, 1):
        cart = await browser.ask("add", "POST", "/cart/lines", 201, {"sku": sku, "quantity": 1})
        check(cart["quantity"] == number and cart["lines"][-1]["sku"] == sku, "an add", cart)
    cart = await browser.ask("cart", "GET", "/cart", 200)
    check([line["sku"] for line in cart["lines"]] == skus, "the cart", cart)
    check(cart["total"] == total, "its total", cart)
    await log_in(browser, account, units=3)
    cart = await browser.ask("cart", "GET", "/cart", 200)
    check([line["sku"] for line in cart["lines"]] == skus, "the account's cart", cart)
    cart = await browser.ask("set", "PUT", f"/cart/lines/{skus[1]}", 200, {"quantity": 2})
    check(cart["quantity"] == 4, "the quantity", cart)  # noqa: PLR2004
    body = {"expected_total": cart["total"]}
    order = await browser.ask("order", "POST", "/orders", 201, body, key=secrets.token_hex(12))
    check(order["total"] == cart["total"] and len(order["lines"]) == 3, "the order", order)  # noqa: PLR2004
    orders = (await browser.ask("orders", "GET", "/orders", 200))["orders"]
    check(orders[0]["number"] == order["number"], "the orders", orders)
    await browser.ask("log out", "DELETE", "/session", 204)


async def log_in(browser: Browser, account: int, units: int = 0) -> None:
    """Log in, after which the account's cart is to have so many units."""
    body = {"username": username(account), "password": PASSWORD}
    known = await browser.ask("log in", "POST", "/session", 200, body)
    check(known["user"]["username"] == username(account), "who is logged in", known)
    check(known["cart"]["quantity"] == units, "the merged cart", known)


def username(account: int) -> str:
    return f"shopper-{account}"


REPEATED = 60
"""Times that a visit for one route alone asks for it; what has to come first is a few requests."""


async def see_product(browser: Browser, account: int) -> None:
    product, _ = await _find(browser, account)
    for _ in range(REPEATED):
        await browser.ask("product", "GET", f"/products/{product}", 200)


async def see_cart(browser: Browser, account: int) -> None:
    for place in range(3):
        _, sku = await _find(browser, account + place)
        await browser.ask("add", "POST", "/cart/lines", 201, {"sku": sku})
    for _ in range(REPEATED):
        cart = await browser.ask("cart", "GET", "/cart", 200)
        check(cart["quantity"] == 3, "the cart", cart)  # noqa: PLR2004


async def add(browser: Browser, account: int) -> None:
    _, sku = await _find(browser, account)
    for number in range(REPEATED):
        status = 200 if number else 201
        cart = await browser.ask("add", "POST", "/cart/lines", status, {"sku": sku})
        check(cart["quantity"] == number + 1, "an add", cart)


async def only_log_in(browser: Browser, account: int) -> None:
    await log_in(browser, account)


async def _find(browser: Browser, account: int) -> tuple[str, str]:
    listed = (await browser.ask("list", "GET", "/products?limit=20", 200))["products"]
    product = listed[account % len(listed)]
    return product["handle"], product["variants"][0]["sku"]


VISITS: dict[str, Callable[[Browser, int], Awaitable[None]]] = {
    "journey": journey,
    "product": see_product,
    "cart": see_cart,
    "add": add,
    "log in": only_log_in,
}


class Crowd:
    """The shoppers of one run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._visit = VISITS[plan.route]
        self._accounts = deque(range(plan.account, plan.account + plan.accounts))
        self._begun = 0
        self.seen = Seen()

    async def run(self) -> float:
        """Return the seconds that it took; visits that have begun are made to the end."""
        began = time.perf_counter()
        if self._plan.rate is None:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._plan.shoppers):
                    tasks.create_task(self._one_after_another(began + self._plan.seconds))
        else:
            await self._at_rate(began, self._plan.rate / STEPS)
        return time.perf_counter() - began

    async def _one_after_another(self, end: float) -> None:
        while time.perf_counter() < end and self._begun != self._plan.journeys:
            await self._visit_once(None)

    async def _at_rate(self, began: float, each_second: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(self._plan.seconds * each_second)):
                due = began + number / each_second
                await asyncio.sleep(due - time.perf_counter())
                tasks.create_task(self._visit_once(due))

    async def _visit_once(self, due: float | None) -> None:
        number, self._begun = self._begun, self._begun + 1
        account = self._accounts.popleft()
        browser = Browser(self._plan.port, self.seen, number)
        browser.due = due
        await browser.open()
        try:
            await self._visit(browser, account)
        finally:
            browser.close()
        self._accounts.append(account)


def percentile(times: list[float], share: float) -> float:
    """Return milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def report(crowd: Crowd, seconds: float) -> dict[str, Any]:
    every = [each for times in crowd.seen.times.values() for each in times]
    return {
        "requests": len(every),
        "seconds": seconds,
        "p50": percentile(every, 0.5),
        "p99": percentile(every, 0.99),
        "cpu": time.process_time(),
        "routes": {
            name: {
                "requests": len(times),
                "p50": percentile(times, 0.5),
                "p99": percentile(times, 0.99),
            }
            for name, times in crowd.seen.times.items()
        },
    }


def main() -> None:
    crowd = Crowd(msgspec.json.decode(sys.argv[1].encode(), type=Plan))
    seconds = asyncio.run(crowd.run())
    print(json.dumps(report(crowd, seconds)))


if __name__ == "__main__":
    main()
