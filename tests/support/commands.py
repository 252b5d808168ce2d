"""`locker` as its users start it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.forks import Forks
from tests.support.keys import KEY
from tests.support.serving import ROOT

ENDED_WITHIN = 30.0  # seconds
LOCKER = (sys.executable, "-m", "service.cli")


@dataclass(frozen=True)
class Ended:
    """A command that ran to its end."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class Locker:
    """Runs `locker`, in ``folder`` and with nothing in the environment but ``environ``."""

    forks: Forks
    folder: Path
    environ: Mapping[str, str]

    def __call__(self, *arguments: str, text: str = "") -> Ended:
        with tempfile.TemporaryDirectory() as name:
            files = Path(name, "input"), Path(name, "output"), Path(name, "errors")
            for file in files:
                file.write_bytes(b"")
            files[0].write_bytes(text.encode(errors="surrogateescape"))
            status = self.forks.run(arguments, self.folder, environment(self.environ), files)
            output, errors = (file.read_bytes().decode() for file in files[1:])
        assert "Traceback" not in errors, errors
        return Ended(status, output, errors)

    def at_once(self, times: int, arguments: Sequence[str]) -> list[Ended]:
        """Run the same command several times at the same time."""
        running = [
            subprocess.Popen(
                [*LOCKER, *arguments],
                cwd=self.folder,
                env=environment(self.environ),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(times)
        ]
        ended = []
        for process in running:
            output, errors = process.communicate(timeout=ENDED_WITHIN)
            ended.append(Ended(process.returncode, output, errors))
        return ended


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the process needs to run at all, and what it was given."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ}


def development(url: str) -> dict[str, str]:
    """Return the settings that commands need."""
    return {
        "ENVIRONMENT": "development",
        "DATABASE_URL": url,
        "SECRET_KEY": KEY,
        "ARGON2": "64,1,1",
        "ADMIN_PAGES": "on",
    }
