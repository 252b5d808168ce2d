"""What a choice is, and which one holds."""

from __future__ import annotations

from typing import Any

import pytest

from service.preferences import Choices, fill, from_section


def test_only_what_was_chosen() -> None:
    """A choice that was never made is not there, also where a default would be the same."""
    assert Choices().chosen() == {}
    assert Choices(theme="system", marketing_emails=False).chosen() == {
        "theme": "system",
        "marketing_emails": False,
    }


def test_fill() -> None:
    """One's own choices win; the other's fill what was never chosen."""
    own, other = Choices(theme="light", page_size=10), Choices(theme="dark", locale="fr")
    assert fill(own, other) == Choices(theme="light", page_size=10, locale="fr")
    assert fill(own, Choices()) == fill(Choices(), own) == own


@pytest.mark.parametrize(
    "section",
    [{"theme": "blue"}, {"theme": None}, {"page_size": "20"}, {"page_size": 5}, {"locale": "?"}],
)
def test_section_of_another_program(section: dict[str, Any]) -> None:
    """A session that holds something else holds no choices, and is no error."""
    assert from_section(section) == Choices()


def test_section_comes_back() -> None:
    """What is put into the session is read again."""
    choices = Choices(theme="dark", locale="de-CH", page_size=50, marketing_emails=True)
    assert from_section(choices.chosen()) == choices
    assert from_section({}) == Choices()
