"""`/metrics`: nowhere, beside the rest, or on an address that the shop's visitors can't reach."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from typing import cast

import hypercorn.asyncio
from hypercorn.config import Config
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from quart import Blueprint, Quart, Response, current_app

from service import connections
from service.errors import SettingsError
from service.hosts import read_authority
from service.metrics import State
from service.services import services_of
from service.settings import Settings

blueprint = Blueprint("metrics", __name__)

STATE = "locker.metrics"
"""What an application keeps its state by."""
MOST_SCRAPERS = 16
"""Connections at once; those of `LOCKER_MAX_CONNECTIONS` are the shop's."""
CLOSED_WITHIN = 2
"""Seconds for scrapes under way."""


@blueprint.get("/metrics")
async def show_metrics() -> Response:
    """Show what this process has counted, and how it stands, for Prometheus."""
    state: State = current_app.extensions[STATE]
    # generate_latest asks a registry for no more than to be collected.
    reading = cast("CollectorRegistry", await state.read())
    # Thousands of lines, where every route was asked for, would hold the loop for 50 ms.
    text = await asyncio.to_thread(generate_latest, reading)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def init_app(app: Quart, settings: Settings) -> None:
    """Show the metrics where the settings say; an address of its own is open while we serve."""
    state = app.extensions[STATE] = services_of(app).get(State)
    if settings.metrics == "main":
        app.register_blueprint(blueprint)
    elif settings.metrics != "off":
        exporter = Exporter(settings, state)
        app.before_serving(exporter.open)
        app.after_serving(exporter.close)


class Exporter:
    """A server beside the one that hosts the service, in the same loop."""

    def __init__(self, settings: Settings, state: State) -> None:
        self._settings = settings
        self._state = state
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises `SettingsError` where it can't listen."""
        app = Quart("metrics")
        app.extensions[STATE] = self._state
        app.register_blueprint(blueprint)
        bounded = dataclasses.replace(self._settings, max_connections=MOST_SCRAPERS)
        connections.init_app(app, bounded)
        self._serving = asyncio.create_task(
            hypercorn.asyncio.serve(app, self._listen(), shutdown_trigger=self._stop.wait)
        )

    def _listen(self) -> Config:
        authority = read_authority(self._settings.metrics)
        assert authority  # noqa: S101 - the settings see to it
        host = authority.host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        config = Config()
        config.graceful_timeout = CLOSED_WITHIN
        config.include_server_header = False
        # The exporter's log lines would be mistaken for the service's own.
        config.errorlog = None
        try:
            listener = socket.create_server((host, authority.port or 0), family=family)
        except OSError as error:
            raise SettingsError(
                f"LOCKER_METRICS: can't listen on {self._settings.metrics}: {error.strerror}"
            ) from None
        config.bind = [f"fd://{listener.detach()}"]
        return config

    async def close(self) -> None:
        if self._serving is not None:
            self._stop.set()
            await asyncio.wait([self._serving], timeout=2 * CLOSED_WITHIN)
