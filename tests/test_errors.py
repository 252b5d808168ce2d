"""The errors that any feature may raise."""

from __future__ import annotations

import re

from service import errors
from service.catalogue import SKU_LENGTH
from service.errors import LockerError
from service.http.openapi.texts import PATH_PARAMETERS


def test_the_tree_of_errors_is_as_the_classes() -> None:
    """What the module says of its errors first is each of them, with its status, and no other."""
    told = dict(re.findall(r"(\w+) (\d{3})\b", errors.__doc__ or ""))
    assert told == {
        name: str(each.status)
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, LockerError) and each is not LockerError
    }


def test_a_sku_in_a_path_is_as_long_as_one_may_be() -> None:
    """The document bounds a SKU in a path as the catalogue bounds it."""
    assert PATH_PARAMETERS["sku"]["schema"]["maxLength"] == SKU_LENGTH
