"""What a shopper prefers, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.sessions import read_as

Theme = Annotated[Literal["system", "light", "dark"], Meta(title="Theme")]
Locale = Annotated[
    str,
    Meta(
        max_length=35,
        # Python's $ would also match before a line break at the end.
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*(?!\n)$",
        description="A BCP 47 language tag.",
        examples=["en-GB"],
    ),
]
PageSize = Annotated[int, Meta(ge=10, le=100)]


class Choices(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody has chosen; the rest was never chosen."""

    theme: Theme | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    page_size: PageSize | UnsetType = UNSET
    marketing_emails: bool | UnsetType = UNSET

    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, by name."""
        return {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not UNSET
        }

    def parameters(self, prefix: str = "") -> dict[str, Any]:
        """Return the values as parameters of a statement, None for what was never chosen."""
        chosen = self.chosen()
        return {f"{prefix}{name}": chosen.get(name) for name in self.__struct_fields__}


@dataclass(frozen=True, slots=True)
class KeptChoices:
    """An account's choices; ``consented_at`` is when it last said whether it wants mail."""

    choices: Choices
    consented_at: datetime | None = None


class Preferences(msgspec.Struct, frozen=True):
    """What holds: the choices, and the defaults for what was never chosen."""

    theme: Theme = "system"
    locale: Locale = "en"
    page_size: PageSize = 20
    marketing_emails: bool = False


def fill(own: Choices, other: Choices) -> Choices:
    """Return one's own choices, with the other's for those never made."""
    return Choices(**{**other.chosen(), **own.chosen()})


def from_section(section: Mapping[str, Any]) -> Choices:
    """Return the choices a session holds; none if it holds something else."""
    return read_as(section, Choices) or Choices()
