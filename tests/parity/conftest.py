"""The classic shop and this service, side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from quart import Quart

from service.settings import Settings
from tests.parity import flask_shop, quart_shop
from tests.parity.shops import FlaskShop, LockerShop, Shop


@pytest.fixture
def flask(settings: Settings) -> FlaskShop:
    """The classic shop, in Flask."""
    flask_shop.LOG.clear()
    return FlaskShop(flask_shop.create_app(settings.secret_key).test_client(), flask_shop.LOG)


@pytest.fixture
async def locker(start_app: Callable[..., Awaitable[Quart]]) -> LockerShop:
    """The same views on this service."""
    quart_shop.LOG.clear()
    app = await start_app(quart_shop.add_views)
    return LockerShop(app, app.test_client(), quart_shop.LOG)


@pytest.fixture
def shops(flask: FlaskShop, locker: LockerShop) -> list[Shop]:
    """Both of them."""
    return [flask, locker]
