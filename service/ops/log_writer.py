"""Writing log lines from a thread of its own, so that no request waits for whoever takes them."""

from __future__ import annotations

import os
import threading

from service import metrics

GATHERED = 0.05
"""Seconds in which lines are gathered to be written together; what kill -9 may take."""
MOST_WAITING = 4 * 2**20
"""Bytes that wait to be written: thousands of lines. What comes beyond is dropped, and counted."""
AT_ONCE = 4096
"""Bytes that a pipe takes as a whole (``PIPE_BUF``), beside what other processes write into it."""
FLUSHED_WITHIN = 2.0
"""Seconds at the end for one who takes nothing."""


class LogWriter:
    """Writes to the file with this descriptor whatever it is given, until it is closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._changed = threading.Condition()
        self._lines: list[bytes] = []
        self._size = 0
        self._hurried = 0
        self._closed = False
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def put(self, line: bytes) -> None:
        """Have a line written soon; never waits."""
        with self._changed:
            if self._size + len(line) > MOST_WAITING:
                metrics.log_lines_dropped.inc()
                return
            self._size += len(line)
            self._lines.append(line)
            if len(self._lines) == 1:
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all lines are written, but not for ever."""
        with self._changed:
            self._hurried += 1
            self._changed.notify_all()
            self._changed.wait_for(self._is_done, FLUSHED_WITHIN)
            self._hurried -= 1

    def close(self) -> None:
        """Write what there is, and end."""
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_done(self) -> bool:
        return not self._size

    def _has_work(self) -> bool:
        return bool(self._lines) or self._closed

    def _is_in_haste(self) -> bool:
        return bool(self._hurried) or self._closed

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                self._changed.wait_for(self._is_in_haste, GATHERED)
                lines, self._lines = self._lines, []
                if not lines:
                    return  # closed
            self._write(lines)
            with self._changed:
                self._size -= sum(map(len, lines))
                self._changed.notify_all()

    def _write(self, lines: list[bytes]) -> None:
        start, size = 0, 0
        for place, line in enumerate(lines):
            if size and size + len(line) > AT_ONCE:
                self._write_whole(lines[start:place])
                start, size = place, 0
            size += len(line)
        self._write_whole(lines[start:])

    def _write_whole(self, lines: list[bytes]) -> None:
        left = b"".join(lines)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            # Nobody takes them any more, and there is nowhere to say so.
            metrics.log_lines_dropped.inc(len(lines))
