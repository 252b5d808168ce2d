"""What an application is made of, found by its type."""

from __future__ import annotations

import pytest
from quart import Quart

from service.database import Pool
from service.services import Services, get_service, services_of
from service.settings import Settings
from service.throttling import Throttle


async def test_a_request_finds_each_service_by_its_type(app: Quart, settings: Settings) -> None:
    """The settings, the pool and the throttle are the ones that the application was made with."""
    async with app.app_context():
        for kind in (Settings, Pool, Throttle):
            assert type(get_service(kind)) is kind
            assert get_service(kind) is services_of(app).get(kind)
        assert get_service(Settings).database_url == settings.database_url


def test_of_each_type_there_is_one() -> None:
    """One that is added takes the place of the one of its type, and of no other."""
    services = Services("first", 1)
    assert services.add("second") == "second"
    assert (services.get(str), services.get(int)) == ("second", 1)


def test_what_is_not_there_is_an_error() -> None:
    """Asking for a type that nobody has given is a mistake in the wiring, and said at once."""
    with pytest.raises(KeyError):
        Services(1).get(str)
