"""What a cart and an order are, for all peers alike: plain functions on plain data, no I/O."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

ARGON2 = (64, 1, 1)
"""Of all contestants alike: next to no work, as it is the same for all and hides what differs."""
MOST_UNITS, MOST_LINES, MOST_ATTEMPTS = 99, 100, 1_000_000
MEMORY, TIME, LANES = ARGON2
HASHER = PasswordHasher(memory_cost=MEMORY, time_cost=TIME, parallelism=LANES)
SYMBOLS = "23456789CDFHJKMNPQRTVWXY"

Row = Any
"""A mapping, of a driver's own kind."""
JSON = dict[str, Any]


class Refused(Exception):
    """A problem to answer with."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code

    def problem(self) -> JSON:
        return {"type": "about:blank", "title": self.code, "status": self.status, "code": self.code}


def new_token() -> str:
    return secrets.token_urlsafe(16)


def hash_token(token: str | None) -> bytes | None:
    return None if token is None else hashlib.sha256(token.encode()).digest()


def attempt_keys(ip: str, name: str = "") -> list[bytes]:
    """Return what an attempt counts against: all, the address, the account."""
    texts = [f"address:{ip}", *(["total", f"account:{name}"] if name else [])]
    return sorted(hashlib.sha256(text.encode()).digest() for text in texts)


def check_attempts(counts: Sequence[int]) -> None:
    if max(counts) > MOST_ATTEMPTS:
        raise Refused(429, "too_many_attempts")


def verify(account: Row | None, password: str) -> Row:
    """Return the account whose password this is."""
    try:
        if account is not None and HASHER.verify(account["password_hash"], password):
            return account
    except VerificationError:
        pass
    raise Refused(401, "wrong_credentials")


def new_number() -> str:
    text = "".join(secrets.choice(SYMBOLS) for _ in range(8))
    return f"{text[:4]}-{text[4:]}"


def product(row: Row) -> JSON:
    """Return a product as it is shown."""
    return {
        **{name: row[name] for name in ("handle", "title", "description", "vendor", "type")},
        "tags": row["tags"],
        "images": row["images"],
        "variants": [
            {
                "sku": each["sku"],
                "options": dict(each["options"]),
                "price": each["price"],
                "compare_at_price": each["compare_at_price"],
                "currency": each["currency"],
                "available": available(each),
                "orderable": each["oversell"] or each["stock"] is None or each["stock"] > 0,
            }
            for each in row["variants"]
        ],
    }


def available(offer: Row) -> int | None:
    return None if offer["stock"] is None else max(offer["stock"], 0)


def cart(row: Row, lines: Sequence[Row] | None = None, revision: int | None = None) -> JSON:
    """Return a cart as it is shown."""
    lines = (row["lines"] or []) if lines is None else lines
    revision = (row["revision"] or 0) if revision is None else revision
    offers = {each["id"]: each for each in row["offers"]}
    shown = [_line(line, offers[line["variant"]]) for line in lines]
    return {
        "id": str(row["id"]) if row["id"] else None,
        "revision": revision,
        "etag": f'"{row["id"]}-{revision}"',
        "currency": shown[0]["currency"] if shown else "USD",
        "lines": [{name: line[name] for name in line if name != "currency"} for line in shown],
        "quantity": sum(line["quantity"] for line in shown),
        "total": sum(line["line_total"] for line in shown),
    }


def _line(line: Row, offer: Row) -> JSON:
    left = available(offer)
    notice = None
    if not offer["sold"]:
        notice = "unavailable"
    elif left is not None and not offer["oversell"] and left < line["quantity"]:
        notice = "insufficient_stock"
    elif offer["price"] != line["price"]:
        notice = "price_changed"
    return {
        "sku": offer["sku"],
        "handle": offer["handle"],
        "title": offer["title"],
        "options": dict(offer["options"]),
        "image": offer["image"],
        "quantity": line["quantity"],
        "unit_price": offer["price"],
        "added_price": line["price"],
        "line_total": offer["price"] * line["quantity"],
        "available": left,
        "notice": notice,
        "currency": offer["currency"],
    }


def with_units(row: Row, sku: str, quantity: int, *, add: bool) -> tuple[list[JSON], bool]:
    """Return the lines with the quantity added or set, and whether there is a new one."""
    offer = next((each for each in row["offers"] if each["sku"] == sku), None)
    if offer is None or not offer["sold"]:
        raise Refused(404, "unknown_sku")
    lines: list[JSON] = [dict(line) for line in row["lines"] or []]
    line = next((each for each in lines if each["variant"] == offer["id"]), None)
    is_new = line is None
    if line is None:
        line = {"variant": offer["id"], "quantity": 0, "price": offer["price"]}
        lines.append(line)
    line["quantity"] = quantity + (line["quantity"] if add else 0)
    left = available(offer)
    if line["quantity"] > MOST_UNITS:
        raise Refused(409, "quantity_limit")
    if left is not None and not offer["oversell"] and left < line["quantity"]:
        raise Refused(409, "insufficient_stock")
    if len(lines) > MOST_LINES:
        raise Refused(409, "line_limit")
    return [each for each in lines if each["quantity"]], is_new


def merged(account: Row | None, guest: Row) -> tuple[list[JSON], JSON]:
    """Return the lines of both carts, of each variant the more units, and what became of each."""
    lines: list[JSON] = [dict(line) for line in (account["lines"] if account else [])]
    skus = {each["id"]: each["sku"] for each in guest["offers"]}
    receipt = []
    for theirs in guest["lines"]:
        ours = next((line for line in lines if line["variant"] == theirs["variant"]), None)
        before = ours["quantity"] if ours else 0
        if ours is None:
            lines.append(dict(theirs))
        else:
            ours["quantity"] = max(before, theirs["quantity"])
        receipt.append(
            {
                "sku": skus[theirs["variant"]],
                "guest_quantity": theirs["quantity"],
                "account_quantity": before,
                "quantity": max(before, theirs["quantity"]),
                "outcome": "kept_larger" if before else "added",
            }
        )
    return lines[:MOST_LINES], {"lines": receipt}


def user(account: Row) -> JSON:
    return {
        "id": str(account["id"]),
        "username": account["username"],
        "email": account["email"],
        "created_at": account["created_at"].isoformat(),
    }


def order_lines(row: Row, stock: Sequence[Row]) -> list[JSON]:
    """Return the lines to store; refuses where there isn't enough of one."""
    offers = {each["id"]: each for each in row["offers"]}
    taken = {each["id"]: each for each in stock}
    lines = []
    for line in row["lines"]:
        offer, found = offers[line["variant"]], taken[line["variant"]]
        if found["stock"] is not None and not found["taken"]:
            raise Refused(409, "insufficient_stock")
        lines.append(
            {
                "variant": offer["id"],
                **{name: offer[name] for name in ("sku", "title", "options", "price")},
                "quantity": line["quantity"],
                "from_stock": found["taken"],
            }
        )
    return lines


def order(row: Row, lines: Sequence[Row]) -> JSON:
    """Return an order as it is shown."""
    return {
        **{name: row[name] for name in ("number", "status", "currency", "total")},
        "placed_at": row["placed_at"].isoformat(),
        "lines": [
            {
                "sku": line["sku"],
                "title": line["title"],
                "options": dict(line["options"]),
                "quantity": line["quantity"],
                "unit_price": line.get("unit_price", line.get("price")),
                "line_total": line["quantity"] * line.get("unit_price", line.get("price")),
            }
            for line in lines
        ],
    }


def placed_event(number: str, account_id: object, row: Row, lines: Sequence[Row]) -> JSON:
    """Return what is told of an order."""
    return {
        "number": number,
        "account_id": str(account_id),
        "cart_id": str(row["id"]),
        "lines": [{"sku": line["sku"], "quantity": line["quantity"]} for line in lines],
    }
