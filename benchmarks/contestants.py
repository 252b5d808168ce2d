"""Who is measured, and how each is started."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from .peers.rules import ARGON2

SECRET = secrets.token_hex(32)
LIMITS = ("account", "address", "total", "carts", "orders")


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server and what runs on it; ``command`` may have ``{port}``."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


LOCKER = {
    "LOCKER_ENVIRONMENT": "production",
    "LOCKER_ALLOWED_HOSTS": "localhost",
    "LOCKER_METRICS": "main",
    "LOCKER_ARGON2": ",".join(map(str, ARGON2)),
    "LOCKER_SECRET_KEY": SECRET,
    "LOCKER_DRAIN_TIME": "0",
    # As the others: whoever finds no connection free waits, and isn't told to come again.
    "LOCKER_POOL_TIMEOUT": "30",
    # They are counted, and never reached.
    **{f"LOCKER_THROTTLE_{name.upper()}": "1000000/3600" for name in LIMITS},
}

PYTHON = sys.executable
UVICORN = (
    *(PYTHON, "-m", "uvicorn", "--port", "{port}", "--no-server-header"),
    *("--timeout-keep-alive", "75"),
)

SERVICE = (
    Contestant("Locker, Hypercorn", (PYTHON, "-m", "service.cli", "serve"), LOCKER),
    Contestant(
        "Locker, Granian",
        (
            *(
                PYTHON,
                "-m",
                "granian",
                "--interface",
                "asgi",
                "--port",
                "{port}",
                "--no-access-log",
            ),
            *("--no-ws", "--factory", "service:create_app"),
        ),
        LOCKER,
    ),
    Contestant(
        "Locker, Uvicorn",
        # It writes the log itself.
        (*UVICORN, "--no-access-log", "--factory", "service:create_app"),
        LOCKER,
    ),
)

HYPERCORN = (PYTHON, "-m", "hypercorn", "--bind", "127.0.0.1:{port}", "--keep-alive", "75")
CEILING = (
    Contestant("bare ASGI, Hypercorn", (*HYPERCORN, "benchmarks.peers.bare:app")),
    Contestant(
        "bare ASGI, Uvicorn",
        (*UVICORN, "--no-access-log", "benchmarks.peers.bare:app"),
    ),
)
PEERS = (
    Contestant("FastAPI, asyncpg, Uvicorn", (*UVICORN, "benchmarks.peers.fastapi_asyncpg:app")),
    Contestant(
        "Litestar, msgspec, asyncpg, Uvicorn", (*UVICORN, "benchmarks.peers.litestar_asyncpg:app")
    ),
    Contestant(
        "Flask, psycopg, gunicorn",
        (
            *(PYTHON, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--access-logfile", "-"),
            # A thread for each shopper of the journey, of one process as all others.
            *("--workers", "1", "--threads", "16", "--keep-alive", "75"),
            "benchmarks.peers.flask_psycopg:app",
        ),
    ),
    Contestant(
        "Quart as documented, Hypercorn",
        (*HYPERCORN, "--access-logfile", "-", "benchmarks.peers.quart_documented:app"),
    ),
    Contestant(
        "FastAPI, SQLAlchemy, Uvicorn", (*UVICORN, "benchmarks.peers.fastapi_sqlalchemy:app")
    ),
)
CONTESTANTS = (*SERVICE, *CEILING, *PEERS)
