"""What can go wrong, with the HTTP status it means. No web framework in here.

LockerError
├── Malformed 400 · BadHost 400 · PreconditionUnsupported 400
├── Unauthenticated 401 · WrongCredentials 401
├── Forbidden 403 · CrossSite 403 · WrongPassword 403
├── NotFound 404 · MethodNotAllowed 405 · SlowBody 408
├── Conflict 409            features add their own below it
├── RevisionMismatch 412
├── TooLarge 413 · UnsupportedMediaType 415 · UnsupportedCoding 415
├── Invalid 422 · InvalidCursor 422 · WeakPassword 422
├── TooManyAttempts 429
└── Busy 503 · Unavailable 503

``code`` is what clients may rely on (http-api, "Conventions"); texts may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NotRequired, TypedDict, get_args

from msgspec import Meta


class SettingsError(Exception):
    """The settings don't allow a start; the message is one line that says what to set."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class DevServerError(Exception):
    """The embedded PostgreSQL can't run; the first line says why and what to do.

    Where PostgreSQL itself gave up, the end of its log follows.
    """


class LockerError(Exception):
    """An outcome that the caller is told about, as problem details (RFC 9457).

    ``members`` are further fields of the problem, and ``extra`` their types; ``retry_after`` is
    in seconds.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    extra: ClassVar[Mapping[str, Any]] = {}
    headers: ClassVar[Mapping[str, str]] = {}
    """Of the answer."""

    def __init__(self, detail: str = "", *, retry_after: int | None = None, **members: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.members = members


class Malformed(LockerError):
    status, code, title = 400, "malformed", "The request can't be read"


class BadHost(LockerError):
    status, code, title = 400, "bad_host", "This host is not served here"


class PreconditionUnsupported(LockerError):
    status, code, title = 400, "precondition_unsupported", "This can't be made conditional"


class Unauthenticated(LockerError):
    status, code, title = 401, "unauthenticated", "Log in first"


class WrongCredentials(LockerError):
    status, code, title = 401, "wrong_credentials", "Wrong user name or password"


class Forbidden(LockerError):
    status, code, title = 403, "forbidden", "Not allowed"


class CrossSite(LockerError):
    status, code, title = 403, "cross_site", "Requests from other sites are not accepted"


class WrongPassword(LockerError):
    status, code, title = 403, "wrong_password", "The current password is wrong"


class NotFound(LockerError):
    status, code, title = 404, "not_found", "Not found"


class MethodNotAllowed(LockerError):
    status, code, title = 405, "method_not_allowed", "Method not allowed"


class SlowBody(LockerError):
    status, code, title = 408, "request_timeout", "The body took too long to arrive"


class Conflict(LockerError):
    status, code, title = 409, "conflict", "Not possible as things stand"


class RevisionMismatch(LockerError):
    status, code, title = 412, "revision_mismatch", "The cart has changed meanwhile"


class TooLarge(LockerError):
    status, code, title = 413, "too_large", "The request is too large"


class UnsupportedMediaType(LockerError):
    status, code, title = 415, "unsupported_media_type", "Send application/json"


class UnsupportedCoding(UnsupportedMediaType):
    """The body is compressed (RFC 9110, 15.5.16)."""

    title = "Send the body as it is, without Content-Encoding"
    headers: ClassVar[Mapping[str, str]] = {"Accept-Encoding": "identity"}


FieldCode = Literal[
    "required",
    "unknown_field",
    "wrong_type",
    "too_short",
    "too_long",
    "out_of_range",
    "unknown_value",
    "bad_format",
    "bad_email",
    "bad_username",
    "weak_password",
    "given_twice",
    "invalid",
]
"""What can be wrong with a field, for programs; there may be more one day."""


class FieldError(TypedDict):
    """What is wrong with one field; `body` is the whole."""

    field: Annotated[str, Meta(examples=["quantity"])]
    message: Annotated[str, Meta(description="A sentence for people.")]
    code: Annotated[
        str, Meta(description=f"One of {', '.join(f'`{code}`' for code in get_args(FieldCode))}.")
    ]
    limit: NotRequired[
        Annotated[int, Meta(description="What a length or a number may be at least, or at most.")]
    ]


class Invalid(LockerError):
    """The request is well-formed, but values aren't acceptable: one, or `of` many."""

    status, code, title = 422, "invalid", "A value is not acceptable"
    extra: ClassVar[Mapping[str, Any]] = {"errors": list[FieldError]}

    def __init__(
        self, field: str, message: str, code: FieldCode = "invalid", limit: int | None = None
    ) -> None:
        error: FieldError = {"field": field, "message": message, "code": code}
        if limit is not None:
            error["limit"] = limit
        super().__init__(f"{field}: {message}", errors=[error])

    @staticmethod
    def of(errors: Iterable[FieldError]) -> Invalid:
        """Return all of these as one; its detail is the first."""
        first, *others = errors
        error = Invalid(first["field"], first["message"])
        error.members = {"errors": [first, *others]}
        return error

    @property
    def errors(self) -> list[FieldError]:
        """What is wrong, by field."""
        found: list[FieldError] = self.members["errors"]
        return found


class InvalidCursor(Invalid):
    """A cursor that no page of this list gave out as its ``next``."""

    def __init__(self, message: str = "Send the `next` of the page before.") -> None:
        super().__init__("after", message, "bad_format")


class WeakPassword(Invalid):
    code, title = "weak_password", "The password is too weak"


class TooManyAttempts(LockerError):
    status, code, title = 429, "too_many_attempts", "Too many attempts"


class Busy(LockerError):
    status, code, title = 503, "busy", "Too busy right now, please retry"


class Unavailable(LockerError):
    status, code, title = 503, "unavailable", "The service can't be reached right now"
