"""What the application is made of: its settings, its pool, its throttle …, each found by its type.

`create_app` makes them once, and code that serves a request asks `get_service` for one.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from quart import Quart, current_app

T = TypeVar("T")


class Services:
    """One object of each type; ``app.extensions["locker"]`` has an application's."""

    def __init__(self, *services: object) -> None:
        self.by_type: dict[type[Any], Any] = {type(service): service for service in services}

    def add(self, service: T, kind: type[T] | None = None) -> T:
        """Take one in, instead of the one of its type, or of the ``kind`` it is; returns it."""
        self.by_type[kind or type(service)] = service
        return service

    def get(self, kind: type[T]) -> T:
        """Return the one of this type; raises `KeyError` where there is none."""
        return cast("T", self.by_type[kind])


def init_app(app: Quart, *services: object) -> Services:
    """Give the application its services."""
    kept = app.extensions["locker"] = Services(*services)
    return kept


def services_of(app: Quart) -> Services:
    """Return an application's services, for what is wired up before there is a request."""
    return cast("Services", app.extensions["locker"])


def get_service(kind: type[T]) -> T:
    """Return this application's service of a type, in a request or any other app context."""
    # This is asked several times in a request, so there is no call in between.
    return cast("T", current_app.extensions["locker"].by_type[kind])
