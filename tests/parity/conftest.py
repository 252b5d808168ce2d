"""The classic shop and this service, side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from quart import Quart

from service.settings import Settings
from tests.support import flask_shop, quart_shop
from tests.support.shops import FlaskShop, LockerShop, Shop


@pytest.fixture
def flask(settings: Settings) -> FlaskShop:
    """The classic shop, in Flask."""
    flask_shop.LOG.clear()
    return FlaskShop(flask_shop.create_app(settings.secret_key).test_client(), flask_shop.LOG)


def add_views(app: Quart) -> None:
    """Add the views in place of the shop's own pages, some of which have the same paths."""
    old, app.url_map = app.url_map, type(app.url_map)()
    app.url_map.converters.update(old.converters)
    for rule in list(old.iter_rules()):
        if rule.rule.startswith("/api/"):
            again = type(rule)(rule.rule, methods=rule.methods, endpoint=rule.endpoint)
            app.url_map.add(again)
    quart_shop.add_views(app)


@pytest.fixture
async def locker(start_app: Callable[..., Awaitable[Quart]]) -> LockerShop:
    """The same views on this service."""
    quart_shop.LOG.clear()
    app = await start_app(add_views)
    return LockerShop(app, app.test_client(), quart_shop.LOG)


@pytest.fixture
def shops(flask: FlaskShop, locker: LockerShop) -> list[Shop]:
    """Both of them."""
    return [flask, locker]
