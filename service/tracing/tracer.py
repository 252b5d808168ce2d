"""What is traced, where nothing is: each way through here costs no more than a call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from quart import Quart

TRACE_ID = "locker.trace_id"
"""What an ASGI scope has the id of the request's trace by, where it is one of ours."""

TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace_id>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
    rb"-[0-9a-f]{2}(?P<more>-.*)?"
)
LONGEST_TRACEPARENT = 512


RECORDED = "locker.recorded"
"""What a scope has a `Recorded` by, where there is a span of the request."""


class Recorded(Protocol):
    """A request whose span is recorded."""

    def note(self, route: str | None, request_id: str, code: str | None) -> None:
        """Say what only the application knows: the route, and what an error is called."""


class Outgoing:
    """A request to another system: ``headers`` tell it of the trace."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.headers = headers or {}

    def answered(self, status: int) -> None:
        """Note the answer's status."""


NOTHING: dict[str, str] = {}
UNTRACED = Outgoing()


class Tracer:
    """Traces nothing."""

    connect: Mapping[str, Any] = NOTHING
    """What the pool's connections are to be made with."""

    def init_app(self, app: Quart) -> None:
        """Trace each request, and deliver what there is before the end."""

    def hashing(self) -> AbstractContextManager[None]:
        """Trace the hash of a password, the wait for its turn included."""
        return nullcontext()

    def delivering(self, message_id: str, attempt: int) -> AbstractContextManager[dict[str, str]]:  # noqa: ARG002 - the tracer's that does
        """Trace an attempt to deliver an event; gives what its line in the log has more for it."""
        return nullcontext(NOTHING)

    def sending(self, method: str, url: str) -> AbstractContextManager[Outgoing]:  # noqa: ARG002 - likewise
        """Trace a request to another system."""
        return nullcontext(UNTRACED)


def read_traceparent(scope: Mapping[str, Any]) -> re.Match[bytes] | None:
    """Return what a request says of its trace, if that is as it should be and said once.

    https://www.w3.org/TR/trace-context/, 3.2
    """
    found = [value for name, value in scope["headers"] if name == b"traceparent"]
    if len(found) != 1 or len(found[0]) > LONGEST_TRACEPARENT:
        return None
    form = TRACEPARENT.fullmatch(found[0].strip(b" \t"))
    return None if form is None or (form["version"] == b"00" and form["more"]) else form


def read_trace_id(scope: Mapping[str, Any]) -> str | None:
    """Return the id of a request's trace: of ours, or of the one that it says it belongs to."""
    ours: str | None = scope.get(TRACE_ID)
    if ours:
        return ours
    form = read_traceparent(scope)
    return form["trace_id"].decode() if form else None
