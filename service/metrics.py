"""What is counted, for ``/metrics``. Counts are this process's own."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

carts_healed = Counter(
    "locker_carts_healed", "Carts that got lines back which the database had lost."
)
old_key_uses = Counter(
    "locker_old_key_uses",
    "Cookies read that an older key had signed. While it grows, that key can't go.",
)
requests = Histogram(
    "locker_request_seconds",
    "Time to answer a request, before the first byte is sent.",
    ["method", "route", "status"],
)
