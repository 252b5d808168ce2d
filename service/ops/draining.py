"""Whether the service is about to stop, which `/readyz` tells before it does."""

from __future__ import annotations

from quart import Quart

from service.services import services_of


class Draining:
    """Whether the service has been told to stop; it goes on serving until it does."""

    has_started = False


def start_draining(app: Quart) -> None:
    """Let the service say that it isn't ready, for good."""
    services_of(app).get(Draining).has_started = True


def is_draining(app: Quart) -> bool:
    return services_of(app).get(Draining).has_started
