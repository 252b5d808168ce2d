"""`locker` without its imports, which are most of what a command takes: forked from one that has.

What is forked is as the program is: its arguments, its environment and its folder, standard input,
output and error, and an interpreter that comes to its end.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

# The first line of an answer: the commands may begin.
READY = "ready\n"


class Forks:
    """A process that has imported `locker` and forks for each command."""

    def __init__(self, environ: Mapping[str, str], within: float) -> None:
        ours, theirs = socket.socketpair()
        # `make coverage` counts what the commands run, too.
        counted = {name: os.environ[name] for name in os.environ if name.startswith("COVERAGE_")}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                env={**environ, **counted},
                pass_fds=[theirs.fileno()],
                # So that commands which never end can be ended with it.
                start_new_session=True,
            )
        ours.settimeout(within)
        self._connection = ours.makefile("rw")
        ours.close()
        assert self._connection.readline() == READY

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.wait()

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        standard: tuple[Path, Path, Path],
    ) -> int:
        """Run a command to its end; returns its status.

        ``standard`` are the files of its input, output and error. Raises `TimeoutError`.
        """
        files = [str(path) for path in standard]
        print(
            json.dumps([list(arguments), str(folder), dict(environ), files]),
            file=self._connection,
            flush=True,
        )
        try:
            return int(self._connection.readline())
        except BaseException:
            # Its answer would be taken for that of the next command.
            os.killpg(self._process.pid, 9)
            raise


def _fork_for_each(connection: socket.socket) -> None:
    from service.cli import main  # noqa: PLC0415 - imported by this process alone

    # An interpreter's end looks at every object once more: in a fork each look copies a page,
    # and that was most of what a command took. Frozen ones are left alone.
    gc.collect()
    gc.freeze()
    with connection, connection.makefile("rw") as requests:
        print(READY, end="", file=requests, flush=True)
        for line in requests:
            arguments, folder, environ, files = json.loads(line)
            child = os.fork()
            if child == 0:
                _become(folder, environ, files)
                main(arguments, prog_name="locker")
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), file=requests, flush=True)


def _become(folder: str, environ: dict[str, str], files: list[str]) -> None:
    """Turn this process, which was forked, into one that was started so."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    for number, (path, flags) in enumerate(
        zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)
    ):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)


if __name__ == "__main__":
    _fork_for_each(socket.socket(fileno=int(sys.argv[1])))
