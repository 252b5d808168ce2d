"""How a guest's cart joins the account's at login, and the receipt that says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from .model import Cart, Limits, room_for

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
"""Units wanted, and the outcome, for a line that both carts hold."""


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

    A line of both is one of the same variant with the same metadata.
    The account's own lines are never made smaller by limits or stock: those cap what the
    guest's side would bring on top.
    """
    lines = {line.key: line for line in account.lines}
    receipt = []
    for line in guest.lines:
        mine = lines.get(line.key)
        before = mine.quantity if mine else 0
        if mine:
            wanted, outcome = STRATEGIES[strategy](line.quantity, before)
        else:
            wanted, outcome = line.quantity, "added"
        room = room_for(line.key, lines, line.offer, limits) if line.offer.sold else 0
        quantity = min(wanted, max(room, before))
        if quantity < wanted:
            outcome = "capped" if quantity else "dropped"
        if quantity:
            lines[line.key] = replace(mine or line, quantity=quantity)
        receipt.append(MergedLine(line.offer.sku, line.quantity, before, quantity, outcome))
    merged = tuple(lines.values())
    return (account if merged == account.lines else replace(account, lines=merged)), tuple(receipt)
