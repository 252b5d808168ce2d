"""Every method of a dictionary, on the session and on what each section holds, as with Flask's."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.sessions import SECTIONS
from tests.support.dict_methods import FULL, METHODS, empty_by_popitem, raw
from tests.support.pairs import Pair, Step, attempt, run_pair

KEYS = (*SECTIONS, "name")
"""Each section, and a key of the base section."""

WHOLE = "the session"
TARGETS = (WHOLE, *KEYS)


def put(key: str, session: Any) -> None:
    session[key] = copy.deepcopy(FULL)


def on_section(key: str, step: Step, session: Any) -> Any:
    """Take a step on what a section holds; Flask has to be told."""
    outcome = attempt(step, session[key])
    session.modified = True
    return outcome


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, id=f"{name}-{number}")
        for name, steps in METHODS.items()
        for number, step in enumerate(steps)
    ],
)
async def test_a_method_on_a_section_does_as_on_flasks(key: str, step: Step) -> None:
    """What a method does to what a section holds is there in the next request, as with Flask."""
    pair = Pair()
    await pair.both(partial(put, key))
    await pair.both(partial(on_section, key, step))
    await pair.both(dict)


def in_order(outcome: Any) -> Any:
    """Return keys, values or pairs in an order: Flask sorts its cookie's keys, ours come as put."""
    return sorted(outcome, key=repr)


OPERATIONS: dict[str, Any] = {
    "__setitem__": lambda d, key, value: d.__setitem__(key, value),
    "__delitem__": lambda d, key, _: d.__delitem__(key),
    "__getitem__": lambda d, key, _: d[key],
    "__contains__": lambda d, key, _: key in d,
    "__len__": lambda d, *_: len(d),
    "__iter__": lambda d, *_: in_order(iter(d)),
    "__reversed__": lambda d, *_: in_order(reversed(raw(d))),
    "__eq__": lambda d, _, value: (d == value, d == dict(d)),
    "__ne__": lambda d, _, value: (d != value, d != dict(d)),
    "__or__": lambda d, key, value: raw(d) | {key: value},
    "__ror__": lambda d, key, value: {key: value} | raw(d),
    "__ior__": lambda d, key, value: raw(d).__ior__({key: value}) is raw(d),
    "get": lambda d, key, value: d.get(key, value),
    "pop": lambda d, key, value: d.pop(key, value),
    "pop without a default": lambda d, key, _: d.pop(key),
    "popitem": lambda d, *_: empty_by_popitem(d),
    "setdefault": lambda d, key, value: d.setdefault(key, value),
    "update": lambda d, key, value: d.update({key: value}, more=value),
    "update with pairs": lambda d, key, value: d.update([(key, value)]),
    "clear": lambda d, *_: d.clear(),
    "copy": lambda d, *_: (d.copy(), type(d.copy()) is dict),
    "keys": lambda d, *_: in_order(d.keys()),
    "values": lambda d, *_: in_order(d.values()),
    "items": lambda d, *_: in_order(d.items()),
    "fromkeys": lambda d, key, value: d.fromkeys([key], value) == {key: value},
}
"""Each method, given a key and a value."""


def test_no_method_is_left_out() -> None:
    """Every method that the comparison knows is among those that are taken in any order."""
    incomparable = {"__hash__", "__class_getitem__", "__lt__", "__le__", "__gt__", "__ge__"}
    assert set(METHODS) - incomparable <= set(OPERATIONS)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)
operations = st.tuples(
    st.sampled_from(TARGETS), st.sampled_from(sorted(OPERATIONS)), st.sampled_from(KEYS), values
)


def perform(target: str, name: str, key: str, value: Any, session: Any) -> Any:
    """Perform one operation on the session, or on the dictionary that a section holds."""
    held = session if target == WHOLE else session.get(target)
    if target != WHOLE and not isinstance(held, dict):
        held = session[target] = {"a": 1}
    outcome = OPERATIONS[name](held, key, value)
    session.modified = True
    return outcome


@settings(max_examples=150)
@given(st.lists(st.lists(operations, min_size=1, max_size=5), min_size=2, max_size=5))
def test_any_methods_over_several_requests(
    requests: list[list[tuple[str, str, str, Any]]],
) -> None:
    """Whatever methods are called on the session and its sections, each request sees Flask's."""

    def request(steps: list[tuple[str, str, str, Any]]) -> Step:
        def take(session: Any) -> list[Any]:
            return [
                copy.deepcopy(attempt(partial(perform, *step), session))
                for step in copy.deepcopy(steps)
            ]

        return take

    run_pair([request(steps) for steps in requests])
