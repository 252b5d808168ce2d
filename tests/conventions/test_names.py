"""Names of types: each stands for one thing."""

from __future__ import annotations

from benchmarks.house import ambiguous_names


def test_no_type_has_the_name_of_another() -> None:
    """Neither a class nor an alias of a type has a name that another has, underscore or not."""
    assert ambiguous_names() == []
