"""`locker openapi`."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.support.commands import Locker
from tests.support.document import DOCUMENT


def test_the_document_is_printed_without_any_setting(make_locker: Callable[..., Locker]) -> None:
    """`locker openapi` prints the document that is served, without database or setting."""
    ended = make_locker()("openapi")
    assert (ended.status, ended.errors) == (0, "")
    assert json.loads(ended.output) == DOCUMENT
