"""The compose file: a journey over TLS; replicas killed, scaled and replaced under load."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.deployed.conftest import COMPOSE, Shop, run
from tests.support.shopping import API

pytestmark = pytest.mark.timeout(600)

SKU = "SPOON-LONG"
"""There are 120."""
PASSWORD = "correct horse battery staple"
SHOPPERS = 4
MOST = 90
"""Units in a line; `LOCKER_CART_MAX_QUANTITY` is a little more."""


class Shopper:
    """Somebody who changes a line, reads the cart, and looks at a page, again and again."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self.client = client
        self.name = name
        self.outcomes: Counter[str] = Counter()
        self._turn = 0

    def come(self) -> None:
        """Fill a cart as a guest, and register."""
        self.client.post(f"{API}/cart/lines", json={"sku": SKU, "quantity": 1}).raise_for_status()
        account = {
            "username": self.name,
            "email": f"{self.name}@example.com",
            "password": PASSWORD,
        }
        self.client.post(f"{API}/account", json=account).raise_for_status()

    def go_round(self) -> None:
        """Change, read and look once; what was acknowledged must be there."""
        self._turn += 1
        quantity = self._turn % MOST + 1
        changed = self._ask("PUT", f"{API}/cart/lines/{SKU}", json={"quantity": quantity})
        cart = self._ask("GET", f"{API}/cart")
        if changed and cart and [line["quantity"] for line in cart.json()["lines"]] != [quantity]:
            self.outcomes["lost"] += 1
        session = self._ask("GET", f"{API}/session")
        if session and not session.json()["authenticated"]:
            self.outcomes["logged out"] += 1
        self._ask("GET", "/")

    def _ask(self, method: str, path: str, **more: object) -> httpx.Response | None:
        try:
            response = self.client.request(method, path, **more)  # type: ignore[arg-type] # as given
        except httpx.TransportError as error:
            self.outcomes[type(error).__name__] += 1
            return None
        if response.is_success:
            self.outcomes["good"] += 1
            return response
        # The proxy's own answers are pages, and say so.
        self.outcomes[f"{response.status_code} {response.text[:200]}"] += 1
        return None


@contextmanager
def load(shop: Shop, prefix: str) -> Iterator[Counter[str]]:
    """Have shoppers at it, each with connections of their own, until the block ends.

    Then the counter says what came of their requests.
    """
    outcomes: Counter[str] = Counter()
    stop = threading.Event()
    shoppers = [
        Shopper(shop.client(http2=bool(number % 2)), f"{prefix}-{number}")
        for number in range(SHOPPERS)
    ]

    def shopping(shopper: Shopper) -> None:
        while not stop.is_set():
            shopper.go_round()

    for shopper in shoppers:
        shopper.come()
    threads = [threading.Thread(target=shopping, args=[shopper]) for shopper in shoppers]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        stop.set()
        for thread, shopper in zip(threads, shoppers, strict=True):
            thread.join()
            shopper.client.close()
            outcomes.update(shopper.outcomes)
        print(f"\n{prefix}: {dict(outcomes)}")  # noqa: T201 - the figure


def test_everything_is_healthy(shop: Shop) -> None:
    """Three replicas, none as owner of the tables, by TLS to the database; nothing left to mend."""
    assert len(shop.replicas()) == 3
    said = shop.compose("exec", "-T", "locker", "locker", "doctor")
    assert {line[:4] for line in said.splitlines()} == {"good"}, said
    assert "as locker_service" in said


def test_started_again(shop: Shop) -> None:
    """A second `up` changes nothing: the secrets stay, and nothing is imported anew."""
    before = shop.replicas()
    key = shop.compose("exec", "-T", "locker", "cat", "/run/secrets/secret_key")
    shop.compose("up", "--detach", "--no-build")
    assert shop.compose("exec", "-T", "locker", "cat", "/run/secrets/secret_key") == key
    assert shop.replicas() == before
    assert "nothing to import" in shop.compose("logs", "import")


def test_a_journey_with_one_killed(shop: Shop) -> None:
    """A guest's cart becomes an account's order over TLS, while a replica is killed in between."""
    with shop.client(http2=True) as client:
        assert client.get("/").is_success
        shopper = Shopper(client, "ada")
        shopper.come()
        run("docker", "kill", next(iter(shop.replicas())))
        cart = client.get(f"{API}/cart").json()
        assert [line["sku"] for line in cart["lines"]] == [SKU]
        ordered = client.post(f"{API}/orders", json={"expected_total": cart["total"]})
        assert ordered.status_code == 201, ordered.text
        client.delete(f"{API}/session").raise_for_status()
        entered = {"username": "ada", "password": PASSWORD}
        client.post(f"{API}/session", json=entered).raise_for_status()
        orders = client.get(f"{API}/orders").json()["orders"]
        assert [order["number"] for order in orders] == [ordered.json()["number"]]
    shop.compose("up", "--detach", "--no-build", "--wait", "locker")
    assert len(shop.replicas()) == 3


def test_scaled_under_load(shop: Shop) -> None:
    """With more replicas, and fewer again, no request fails."""
    with load(shop, "scaled") as outcomes:
        for number in (5, 3):
            scaled = ("up", "--detach", "--no-build", "--no-recreate", "--wait")
            shop.compose(*scaled, "--scale", f"locker={number}", "locker")
            assert len(shop.replicas()) == number
    assert set(outcomes) == {"good"}


def test_replaced_under_load(shop: Shop) -> None:
    """All replicas are replaced, one by one, and no request fails, and nothing is lost."""
    before = shop.replicas()
    with load(shop, "replaced") as outcomes:
        run(str(COMPOSE / "replace.sh"), environ=shop.environ)
    after = shop.replicas()
    assert (len(after), after & before) == (len(before), set())
    assert set(outcomes) == {"good"}


def test_a_bad_release_changes_nothing(shop: Shop) -> None:
    """If a new replica doesn't start, it goes, its words are shown, and the old ones stay."""
    before = shop.replicas()
    bad = subprocess.run(
        [COMPOSE / "replace.sh"],
        env={**os.environ, **shop.environ, "SHOP_HOST": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert bad.returncode == 1
    assert "LOCKER_ALLOWED_HOSTS must name the hosts" in bad.stderr
    assert shop.replicas() == before
    with shop.client() as client:
        assert client.get("/readyz").is_success
