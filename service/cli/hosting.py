"""Hypercorn, run in this process."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path

import click
import hypercorn.asyncio
from hypercorn.config import Config

from service import create_app
from service.ops import start_draining
from service.settings import Settings

_PACKAGE = Path(__file__).parents[1]
CONFIGS = (_PACKAGE / "hypercorn.toml", _PACKAGE.parent / "hypercorn.toml")
"""In the wheel it is part of the package; in a checkout it lies where Hypercorn's own command
is started."""


def open_sockets(bind: str, otherwise: str) -> Config:
    """Return Hypercorn's configuration with its sockets already open.

    So a port in use is noticed before anything is started for it, and nobody can take it
    meanwhile. Raises `click.ClickException`, with what to do ``otherwise``.
    """
    config = Config.from_toml(next(path for path in CONFIGS if path.exists()))
    config.bind = [bind]
    try:
        sockets = config.create_sockets()
        opened = [*sockets.secure_sockets, *sockets.insecure_sockets]
        for socket in opened:
            # Bound alone, a second Locker could still bind it, on Linux.
            socket.listen(config.backlog)
    except (OSError, OverflowError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(f"can't listen on {bind}: {reason}; {otherwise}") from None
    config.bind = [f"fd://{socket.detach()}" for socket in opened]
    # `serve` never forks, and warns of any number but this one.
    config.workers = 1
    return config


async def host(settings: Settings, config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    `/readyz` fails for ``drain_time`` seconds first: Hypercorn closes idle connections without
    notice, so clients and proxies must have turned away by then. A second signal ends that.
    """
    app = create_app(settings)
    app.before_serving(_settle)
    stop = asyncio.Event()
    hurry = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)

    async def wait_for_signal() -> None:
        await stop.wait()
        start_draining(app)
        try:
            async with asyncio.timeout(settings.drain_time):
                await hurry.wait()
        except TimeoutError:
            pass

    await hypercorn.asyncio.serve(app, config, shutdown_trigger=wait_for_signal)


async def _settle() -> None:
    """Keep what is there by now, for as long as the process runs, out of the collector's rounds.

    A full round holds the event loop for as long as it looks at everything.
    """
    gc.freeze()
