"""The service as users start it: a process of its own, reached over a socket."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, Self

import httpx
import pytest

from service.devserver import become
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
READY_WITHIN = 30.0  # seconds; a start takes one, on a machine with nothing else to do
STOPPED_WITHIN = 15.0


class Served:
    """A running service. Its log is everything it wrote."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        port: int,
        output: IO[bytes],
        trust: ssl.SSLContext | None,
    ) -> None:
        self.process = process
        self.port = port
        self.trust = trust
        self.url = f"{'https' if trust else 'http'}://127.0.0.1:{port}"
        self._output = output

    def log(self) -> str:
        return Path(self._output.name).read_text(errors="replace")

    def peak_memory(self) -> int:
        """Return the most memory that the process had in use so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            pytest.skip("the memory of a process is read from /proc")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal, if it still runs; returns the exit status (negative: by a signal)."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.await_end()

    def await_end(self) -> int:
        """Wait for the end of one that was told to; returns the exit status."""
        try:
            self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.process.returncode

    def await_ready(self) -> Self:
        """Wait for the first answer; raises `AssertionError` with the log if it never comes."""
        try:
            httpx.get(f"{self.url}/livez", timeout=READY_WITHIN, verify=self.trust or True)
        except httpx.TransportError as error:
            raise AssertionError(f"not served: {error!r}\n{self.log()}") from error
        return self


def prepare(settings: Settings) -> Settings:
    """Return the settings to serve with; a run by PgBouncer puts another function here."""
    return settings


@contextmanager
def serve(
    settings: Settings,
    *,
    app: str = "service:create_app()",
    program: Literal["hypercorn", "locker", "uvicorn"] = "hypercorn",
    options: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    tls: tuple[Path, Path] | None = None,
    **changes: Any,
) -> Iterator[Served]:
    """Serve on a free port until the block ends.

    ``changes`` are to the settings; ``app`` is for the commands of Hypercorn and Uvicorn,
    ``options`` for Hypercorn's;
    ``environ`` adds to the environment; with ``tls``, a certificate and its key, Hypercorn speaks
    nothing else.

    The process also ends when this one does, however that ends.
    """
    # Whoever connects waits here until the service takes over the socket: no port to guess, and
    # no clash with a second process.
    listener = socket.create_server(("127.0.0.1", 0))
    bind = f"fd://{listener.fileno()}"
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        **environment(prepare(dataclasses.replace(settings, bind=bind, **changes))),
        **(environ or {}),
    }
    command = [str(PROGRAMS / program)]
    if program == "hypercorn":
        command += ["--config", "hypercorn.toml", "--bind", bind, *options, app]
        if tls:
            command += ["--certfile", str(tls[0]), "--keyfile", str(tls[1])]
    elif program == "uvicorn":
        command += [
            "--fd",
            str(listener.fileno()),
            "--no-access-log",
            "--factory",
            app.rstrip("()"),
        ]
    else:
        command += ["serve"]
    with tempfile.NamedTemporaryFile(prefix="locker-", suffix=".log") as output:
        process = subprocess.Popen(
            [sys.executable, become.__file__, str(os.getpid()), "-", *command],
            cwd=ROOT,
            env=variables,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        port = listener.getsockname()[1]
        listener.close()
        trust = ssl.create_default_context(cafile=tls[0]) if tls else None
        served = Served(process, port, output, trust)
        try:
            yield served.await_ready()
        finally:
            served.stop()


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that bring these settings about."""
    return {
        PREFIX + field.name.upper(): _text(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)
