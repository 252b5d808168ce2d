"""What each method of a dictionary is asked, to compare ours with Flask's."""

from __future__ import annotations

import copy
from typing import Any

from tests.support.pairs import Step

FULL = {"cart": {"lines": [1]}, "preferences": {}, "name": "Ada", "basket": ["pear"]}


def raw(session: Any) -> Any:
    """Return the session itself, where a proxy stands for it."""
    current = getattr(session, "_get_current_object", None)
    return current() if current else session


def fill(session: Any) -> None:
    session.update(copy.deepcopy(FULL))


def empty_by_popitem(session: Any) -> list[Any]:
    return sorted((session.popitem() for _ in range(len(session))), key=str)


def join_in_place(session: Any) -> None:
    session |= {"name": "Bob", "cart": []}


METHODS: dict[str, list[Step]] = {
    "__class_getitem__": [lambda session: type(session)[str, int] is not None],
    "__contains__": [lambda s: [key in s for key in (*FULL, "flash", "none", 1)]],
    "__delitem__": [lambda s: s.__delitem__("cart"), lambda s: s.__delitem__("none")],
    "__eq__": [lambda s: (s == FULL, s == {}, s == 1)],
    "__ge__": [lambda s: s >= FULL],
    "__getitem__": [lambda s: [s[key] for key in FULL], lambda s: s["flash"], lambda s: s["none"]],
    "__gt__": [lambda s: s > FULL],
    "__hash__": [lambda s: hash(raw(s))],
    "__ior__": [join_in_place],
    "__iter__": [sorted],
    "__le__": [lambda s: s <= FULL],
    "__len__": [len],
    "__lt__": [lambda s: s < FULL],
    "__ne__": [lambda s: (s != FULL, s != {}, s != 1)],
    "__or__": [lambda s: raw(s) | {"name": "Bob"}],
    "__reversed__": [lambda s: sorted([*reversed(raw(s))])],
    "__ror__": [lambda s: {"name": "Bob", "more": 1} | raw(s)],
    "__setitem__": [
        lambda s: s.__setitem__("cart", {}),
        lambda s: s.__setitem__("cart", []),
        lambda s: s.__setitem__("cart", None),
        lambda s: s.__setitem__("flash", "saved"),
        lambda s: s.__setitem__("name", {"first": "Ada"}),
        lambda s: s.__setitem__([], 1),
    ],
    "clear": [lambda s: s.clear()],
    "copy": [lambda s: (s.copy(), type(s.copy()) is dict)],
    "fromkeys": [lambda s: s.fromkeys(["a"], 1) == {"a": 1}],
    "get": [lambda s: [s.get(key) for key in (*FULL, "none")], lambda s: s.get("flash", 7)],
    "items": [lambda s: sorted(s.items(), key=str)],
    "keys": [lambda s: (sorted(s.keys()), s.keys() >= {"cart"}, s.keys() & {"cart", "none"})],
    "pop": [
        lambda s: s.pop("cart"),
        lambda s: s.pop("name"),
        lambda s: s.pop("none"),
        lambda s: s.pop("flash", 7),
    ],
    "popitem": [empty_by_popitem, lambda s: s.clear() or s.popitem()],
    "setdefault": [
        lambda s: s.setdefault("cart", 1),
        lambda s: s.setdefault("flash", []),
        lambda s: s.setdefault("flash"),
        lambda s: s.setdefault("none", 1),
    ],
    "update": [
        lambda s: s.update({"cart": 1}, name="Bob"),
        lambda s: s.update([("cart", []), ("flash", {})]),
        lambda s: s.update(1),
    ],
    "values": [lambda s: sorted(s.values(), key=str)],
}
"""What each method is asked, on a session that holds `FULL`."""
