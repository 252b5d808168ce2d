"""What the document says beyond what the code declares: prose, and one shop for all examples."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """\
A caller is a guest, signed in (by the session's cookies, which logging in and registering set) or
a token, beside which cookies are neither read nor written. An invalid token is 401 everywhere.

Amounts are integers in the currency's minor unit: `28900` with `"currency": "USD"` is 289.00.
Times are RFC 3339 in UTC. Ids are opaque. Bodies are JSON in UTF-8; unknown fields are refused,
and nothing is converted: no float or boolean for an integer.

Errors are problem details (RFC 9457). Their `code` is stable, their texts are not. Every answer
has an `X-Request-Id`, which is the caller's own if it sent one of up to 128 letters, digits and
`._-`.
"""

TAGS = {
    "catalogue": "What the shop sells.",
    "carts": "The cart of a guest or an account.",
    "accounts": "Registering, logging in and out, and one's own account.",
    "access": "An account's logins and tokens.",
    "preferences": "What a shopper prefers.",
    "customers": "All that is kept of an account.",
    "orders": "Ordering the cart, and what was ordered.",
    "operators": "For whoever stands behind the counter. To everyone else it is 404.",
    "ops": "For those who run the service.",
}

TAG = '"b1c5d3e7f9a2046885f1c3aa"'

SENT_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "X-Request-Id": ("Finds the request in the logs.", {"type": "string", "maxLength": 128}),
    "ETag": (
        "This state of it; for `If-Match` and `If-None-Match`.",
        {"type": "string", "examples": [TAG]},
    ),
    "Idempotent-Replayed": (
        "There when this is the first answer again.",
        {"const": "true"},
    ),
    "Location": ("Where it is.", {"type": "string", "format": "uri-reference"}),
    "Retry-After": ("Seconds to wait first.", {"type": "integer", "minimum": 0}),
    "WWW-Authenticate": ("How to log in other than by the session.", {"const": "Bearer"}),
}

HEADERS_TAKEN: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "If-Match": {"type": "string", "examples": [TAG]},
    "If-None-Match": {"type": "string", "examples": [TAG]},
    "Locker-Order-Key": {"type": "string"},
    "Locker-Cart": {"type": "string", "pattern": "^locker_cart_[A-Za-z0-9_-]{43}$"},
}

PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "handle": {
        "description": "The product's, percent-encoded; any characters, slashes included.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "ridgeline-2-tent",
    },
    "sku": {
        "description": "The variant's, percent-encoded; any characters, slashes included.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        "example": "TENT-2P-GREEN",
    },
    "number": {
        "description": "The order's.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
        "example": "K7RX-3MD3",
    },
}
ID: dict[str, Any] = {
    "description": "As it was answered before.",
    "schema": {"type": "string", "format": "uuid"},
    "example": "7f6c1d0e-52a4-4f0b-9d3c-6a1e8b2f4c57",
}
"""What any other parameter of a path is; another form is no path at all."""

MOMENT = "2026-01-31T09:30:00Z"

EXAMPLES: dict[str, Any] = {
    # Values of the sample catalogue, so that the examples can be tried out.
    "handle": "ridgeline-2-tent",
    "sku": "TENT-2P-GREEN",
    "title": "Ridgeline 2 Tent",
    "description": "<p>A two-person tent for three seasons.</p>",
    "vendor": "Northfell",
    "type": "Tents",
    "tags": ["camping", "hiking", "three-season"],
    "options": {"Color": "Green"},
    "src": "https://shop.example/ridgeline-2-tent.jpg",
    "alt": "The tent by a lake",
    "image": "https://shop.example/ridgeline-2-tent.jpg",
    "price": 28900,
    "unit_price": 28900,
    "added_price": 28900,
    "line_total": 28900,
    "total": 28900,
    "compare_at_price": None,
    "currency": "USD",
    "available": 12,
    "notice": None,
    "quantity": 1,
    "guest_quantity": 1,
    "account_quantity": 0,
    "outcome": "added",
    "limit": 99,
    "next": None,
    # Values of a shopper.
    "id": "7f6c1d0e-52a4-4f0b-9d3c-6a1e8b2f4c57",
    "account_id": "7f6c1d0e-52a4-4f0b-9d3c-6a1e8b2f4c57",
    "login_id": "0b9e4c52-7d1f-4a63-8e20-5c7f1a9d3b46",
    "by_account_id": None,
    "by_login_id": None,
    "username": "ada",
    "email": "ada@example.com",
    "revision": 3,
    "etag": TAG,
    "customer_note": "",
    "left": 0,
    "at": MOMENT,
    "locale": "en-GB",
    "user_agent": "Mozilla/5.0",
    "ip": "192.0.2.7",
    "name": "A phone",
    "token": "7Q2vN0pXr5sT8uW1yZ4aBc",
    "number": "K7RX-3MD3",
    # Values of a problem.
    "request_id": "9f86d081884c7d65",
    "field": "quantity",
    "message": "Use 1 or more.",
}
