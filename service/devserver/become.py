"""Give up root, promise to end with the parent, and turn into another program.

Run as a script: `become.py PARENT UID:GID PROGRAM ARGUMENT…`, with `-` for no change of user. A
process of its own, as no Python may run between fork and exec in a program with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: str, user: str, *command: str) -> None:
    if user != "-":
        uid, gid = map(int, user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # A shell has what it starts with `&` ignore SIGINT, and that is inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        # This comes after the change of user, which would clear it. SIGINT is PostgreSQL's fast
        # shutdown.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != int(parent):  # ended before the promise was made
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - this is what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
