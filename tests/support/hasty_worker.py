"""`locker worker`, with claims and retries that take no time: for tests that kill it."""

from __future__ import annotations

from service.cli.worker import worker as command
from service.webhooks import worker

if __name__ == "__main__":
    worker.SETTLED_WITHIN = 1.0
    worker.POLL = 0.1
    worker.RETRIES = (0.2,) * 500
    command()
