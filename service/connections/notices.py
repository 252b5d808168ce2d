"""Lines in the log that a stranger can cause: one a minute for each cause, and how many it was."""

from __future__ import annotations

import logging
import time
from collections import Counter

logger = logging.getLogger(__name__)

PERIOD = 60.0


class Notices:
    """Counts what happens, and says it now and then."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._errors: dict[str, BaseException] = {}
        self._said: dict[str, float] = {}

    def add(self, cause: str, error: BaseException | None = None) -> None:
        """Count it; the first in a while is logged at once, with the error that it came of."""
        self._counts[cause] += 1
        if error is not None:
            self._errors.setdefault(cause, error)
        self.say()

    def say(self) -> None:
        """Log what was counted, where the last line about it is old enough."""
        now = time.monotonic()
        for cause, count in list(self._counts.items()):
            if now - self._said.get(cause, now - PERIOD) >= PERIOD:
                self._said[cause] = now
                del self._counts[cause]
                error = self._errors.pop(cause, None)
                level = logging.INFO if error is None else logging.ERROR
                about = {"cause": cause, "count": count}
                logger.log(level, "connections ended", extra=about, exc_info=error)


class OncePerMinute(logging.Filter):
    """Lets a message of somebody else's through once a minute, and without a traceback."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self._beginning = beginning
        self._said = time.monotonic() - PERIOD

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.getMessage().startswith(self._beginning):
            return True
        now = time.monotonic()
        if now - self._said < PERIOD:
            return False
        self._said = now
        record.msg, record.args, record.exc_info = self._beginning, (), None
        return True
