"""`locker worker`, with claims and retries that take no time: for tests that kill it."""

from __future__ import annotations

import os

from service.cli.worker import worker as command
from service.webhooks import worker

if __name__ == "__main__":
    os.environ |= {
        "LOCKER_WEBHOOK_CLAIM": "1",
        "LOCKER_WEBHOOK_RETRIES": ",".join(["0.2"] * 500),
    }
    worker.POLL = 0.1
    command()
