"""Who is measured, and how each is started."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from .stage import ARGON2

SECRET = secrets.token_hex(32)
LIMITS = ("account", "address", "total", "carts", "orders")


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server and what runs on it; ``command`` may have ``{port}``."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ceiling: bool = False


LOCKER = {
    "LOCKER_ENVIRONMENT": "production",
    "LOCKER_ALLOWED_HOSTS": "localhost",
    "LOCKER_METRICS": "main",
    "LOCKER_ARGON2": ",".join(map(str, ARGON2)),
    "LOCKER_SECRET_KEY": SECRET,
    "LOCKER_DRAIN_TIME": "0",
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
        "Locker, Uvicorn",
        # It writes the log itself.
        (*UVICORN, "--no-access-log", "--factory", "service:create_app"),
        LOCKER,
    ),
)
