"""How a guest's cart joins the account's at login, and the receipt that says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from .model import Cart, Limits, Line

Strategy = Literal["max", "sum", "guest", "account"]
MergeOutcome = Literal[
    "added", "kept_larger", "summed", "kept_guest", "kept_account", "capped", "dropped"
]

STRATEGIES: dict[str, Callable[[int, int], tuple[int, MergeOutcome]]] = {
    "max": lambda guest, account: (max(guest, account), "kept_larger"),
    "sum": lambda guest, account: (guest + account, "summed"),
    "guest": lambda guest, _: (guest, "kept_guest"),
    "account": lambda _, account: (account, "kept_account"),
}
"""Units wanted, and the outcome, for a variant that both carts hold."""


@dataclass(frozen=True, slots=True)
class MergedLine:
    """What became of one line of the guest's cart."""

    sku: str
    guest_quantity: int
    account_quantity: int
    quantity: int
    outcome: MergeOutcome


def merge(
    guest: Cart, account: Cart, strategy: Strategy, limits: Limits
) -> tuple[Cart, tuple[MergedLine, ...]]:
    """Return the account's cart with the guest's lines in it, and the receipt.

    The account's own lines are never made smaller by limits or stock: those cap what the
    guest's side would bring on top.
    """
    lines = {line.offer.sku: line for line in account.lines}
    receipt = []
    for line in guest.lines:
        sku = line.offer.sku
        mine = lines.get(sku)
        before = mine.quantity if mine else 0
        if mine:
            wanted, outcome = STRATEGIES[strategy](line.quantity, before)
        else:
            wanted, outcome = line.quantity, "added"
        room = _room(line, before, len(lines), limits)
        quantity = min(wanted, max(room, before))
        if quantity < wanted:
            outcome = "capped" if quantity else "dropped"
        if quantity:
            lines[sku] = replace(mine or line, quantity=quantity)
        receipt.append(MergedLine(sku, line.quantity, before, quantity, outcome))
    merged = tuple(lines.values())
    return (account if merged == account.lines else replace(account, lines=merged)), tuple(receipt)


def _room(line: Line, before: int, count: int, limits: Limits) -> int:
    """Return how many units of the line's variant the account's cart may hold."""
    offer = line.offer
    if not offer.sold or (not before and count >= limits.lines):
        return 0
    return limits.quantity if offer.most is None else min(limits.quantity, offer.most)
