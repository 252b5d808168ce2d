"""All that is wrong with what was sent is told at once, in sentences, with codes for programs."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType
from quart.typing import TestClientProtocol as Client

from service.errors import FieldError, Invalid
from service.http.endpoints import Input
from service.http.validation import LONGEST_TEXT, MOST_ERRORS, compose, convert
from tests.support.shopping import API, PASSWORD, new_name

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}


class Address(Input):
    """A part of the whole, with fields of its own."""

    city: Annotated[str, Meta(min_length=1, max_length=20)]
    code: Annotated[str, Meta(max_length=3, pattern="^[0-9]+$")] | None = None


class Sample(Input):
    """A field of every kind."""

    name: Annotated[
        str,
        Meta(pattern="^[a-z]+$", extra={"code": "bad_username", "message": "Use small letters."}),
    ]
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    sure: bool = False
    theme: Literal["light", "dark"] | UnsetType = UNSET
    tags: Annotated[tuple[Annotated[str, Meta(max_length=2)], ...], Meta(max_length=3)] = ()
    home: Address | None = None
    others: list[Address] = msgspec.field(default_factory=list)
    notes: Annotated[dict[str, Annotated[str, Meta(max_length=2)]], Meta(max_length=2)] = (
        msgspec.field(default_factory=dict)
    )
    id: UUID | None = None


def wrong(content: Any, *, strict: bool = True) -> list[FieldError]:
    """Return what is told of it."""
    with pytest.raises(Invalid) as caught:
        convert(content, Sample, strict=strict)
    return caught.value.errors


def codes(content: Any, *, strict: bool = True) -> dict[str, str]:
    return {each["field"]: each["code"] for each in wrong(content, strict=strict)}


def test_every_wrong_field_is_told_at_once() -> None:
    """Every wrong field is told at once, with path, code, and the limit where there is one."""
    content = {
        "count": 10,
        "sure": "yes",
        "theme": "blue",
        "tags": ["a", "bcd", 1],
        "home": {"city": "", "code": "x", "street": "y"},
        "others": [{"city": "Ulm"}, {}, []],
        "notes": {"a": "long", "b": 1},
        "id": "none",
        "nothing": 1,
    }
    assert codes(content) == {
        "name": "required",
        "count": "out_of_range",
        "sure": "wrong_type",
        "theme": "unknown_value",
        "tags[1]": "too_long",
        "tags[2]": "wrong_type",
        "home.city": "too_short",
        "home.code": "bad_format",
        "home.street": "unknown_field",
        "others[1].city": "required",
        "others[2]": "wrong_type",
        "notes.a": "too_long",
        "notes.b": "wrong_type",
        "id": "bad_format",
        "nothing": "unknown_field",
    }
    limits = {each["field"]: each["limit"] for each in wrong(content) if "limit" in each}
    assert limits["count"] == 9
    assert limits["home.city"] == 1


@pytest.mark.parametrize("content", [None, [], "text", 1, True])
def test_what_is_no_object_is_wrong_as_a_whole(content: Any) -> None:
    """A body that is no object is said to be wrong as a whole."""
    assert codes(content) == {"body": "wrong_type"}


@pytest.mark.parametrize("field", ["count", "sure", "tags", "others", "notes"])
def test_null_is_wrong_where_it_is_not_allowed(field: str) -> None:
    """A null where none is allowed is wrong, and not taken for what was left out."""
    assert codes({"name": "a", field: None}) == {field: "wrong_type"}


def test_null_is_right_where_it_is_allowed() -> None:
    """A null where one is allowed is the value."""
    assert convert({"name": "a", "home": None, "id": None}, Sample, strict=True).home is None


@pytest.mark.parametrize(
    ("text", "code"),
    [("1.0", "wrong_type"), ("", "wrong_type"), ("0", "out_of_range"), ("9" * 60, "out_of_range")],
)
def test_numbers_in_texts(text: str, code: str) -> None:
    """In texts numbers are whole, and out of range however long."""
    assert codes({"name": "a", "count": text, "sure": "maybe"}, strict=False) == {
        "count": code,
        "sure": "wrong_type",
    }


def test_a_type_can_bring_its_own_words() -> None:
    """A type brings its own words for a text that doesn't match its pattern."""
    assert wrong({"name": "A"}) == [
        {"field": "name", "message": "Use small letters.", "code": "bad_username"}
    ]


@pytest.mark.parametrize(
    "content",
    [
        {f"{number}": 1 for number in range(60_000)},
        {"name": "a", "tags": [1] * 60_000},
        {"name": "a", "notes": {f"{number}": 1 for number in range(60_000)}},
        {"name": "a", "others": [{}] * 60_000},
        {"name": "a", "x" * 60_000: 1},
    ],
)
def test_an_answer_is_bounded(content: Any) -> None:
    """Neither the number of mistakes nor their names make an answer long.

    Of a list that is too long no entry is looked at.
    """
    errors = wrong(content)
    assert len(errors) <= MOST_ERRORS
    assert len(msgspec.json.encode(errors)) < 8_000


def test_what_msgspec_refuses_is_refused() -> None:
    """What msgspec refuses is refused, also where nothing here can say why."""

    class Odd(Input):
        value: Annotated[int, Meta(multiple_of=2)]

    with pytest.raises(Invalid) as caught:
        convert({"value": 1}, Odd, strict=True)
    assert caught.value.errors[0]["code"] == "invalid"


def test_texts_are_composed() -> None:
    """Two writings of one text are one, in names, lists and objects."""
    decomposed = unicodedata.normalize("NFD", "é")
    content = {"name": "a", "home": {"city": decomposed}, "notes": {decomposed: decomposed}}
    sample = convert(content, Sample, strict=True)
    assert sample.home == Address("é")
    assert sample.notes == {"é": "é"}


def test_a_text_longer_than_any_name_stays_as_it_is() -> None:
    """A long text isn't composed: to order many marks takes the square of their number."""
    marks = "\u0301\u0323" * LONGEST_TEXT
    assert compose({"a": marks}) == {"a": marks}
    assert compose("e\u0301" * (LONGEST_TEXT // 2)) == "é" * (LONGEST_TEXT // 2)


def test_of_many_choices_none_is_listed() -> None:
    """Of many choices none is listed, as a sentence is for reading."""

    class Odd(Input):
        value: Literal[tuple(range(100))]  # type: ignore[valid-type]

    with pytest.raises(Invalid) as caught:
        convert({"value": 200}, Odd, strict=True)
    assert caught.value.errors[0]["message"] == "Choose one."


async def test_a_body_tells_all(client: Client) -> None:
    """A request tells all mistakes of its body: a number, a list and a field that is missing."""
    body = {"name": "", "expires_in_days": 0, "scopes": ["all"], "colour": "red"}
    response = await client.post(f"{API}/account/tokens", json=body)
    problem = await response.get_json()
    assert (response.status_code, problem["code"]) == (422, "invalid")
    found = {each["field"]: each["code"] for each in problem["errors"]}
    assert (
        found.items()
        >= {
            "name": "too_short",
            "expires_in_days": "out_of_range",
            "scopes[0]": "unknown_value",
            "colour": "unknown_field",
        }.items()
    )
    assert problem["detail"] == "{field}: {message}".format(**problem["errors"][0])


async def test_a_query_tells_all(client: Client) -> None:
    """A request tells all mistakes of its query, as it does of a body."""
    response = await client.get(f"{API}/orders?limit=1000&after={'x' * 65}&colour=red")
    errors = (await response.get_json())["errors"]
    assert {each["field"]: (each["code"], each.get("limit")) for each in errors} == {
        "limit": ("out_of_range", 100),
        "after": ("too_long", 64),
        "colour": ("unknown_field", None),
    }


async def test_a_form_tells_all(client: Client) -> None:
    """A form tells all mistakes at once, name, address and password, each at its field."""
    form = "username=ab+c%21&email=x%40y&password=passwordpassword"
    response = await client.post("/register", data=form, headers=FORM)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    for sentence in (
        "Use letters, digits and marks; no spaces and no @.",
        "This doesn&#39;t look like an e-mail address.",
        "It is too common, or too easy to guess.",
    ):
        assert sentence in page


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"username": "a b c", "email": "x@y", "password": "passwordpassword"},
            {"username": "bad_username", "email": "bad_email", "password": "weak_password"},
        ),
        (
            {"username": "", "email": "", "password": ""},
            {"username": "too_short", "email": "bad_email", "password": "too_short"},
        ),
        ({"email": "ada"}, {"email": "bad_email"}),
        (
            {"username": "x" * 65, "email": f"{'x' * 300}@example.com"},
            {"username": "too_long", "email": "too_long"},
        ),
        (
            {"username": "two words", "password": "short"},
            {"username": "bad_username", "password": "too_short"},
        ),
    ],
)
async def test_a_registration_tells_all(
    client: Client, changes: dict[str, str], expected: dict[str, str]
) -> None:
    """A registration tells what is wrong with the password too, though judged elsewhere."""
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **changes}
    response = await client.post(f"{API}/account", json=body)
    problem = await response.get_json()
    assert (response.status_code, problem["code"]) == (422, "invalid")
    assert {each["field"]: each["code"] for each in problem["errors"]} == expected


async def test_messages_are_sentences(client: Client) -> None:
    """A message is a sentence, with neither a regular expression nor a parser's words."""
    for body in (
        {"username": 1, "email": "ada@münchen", "password": None, "theme": []},
        {"username": "ab", "email": "(", "password": ""},
        {},
    ):
        problem = await (await client.post(f"{API}/account", json=body)).get_json()
        assert problem["errors"]
        for each in problem["errors"]:
            assert each["message"][0].isupper(), each
            assert each["message"].endswith("."), each
            assert not set(each["message"]) & set("`^$\\|"), each
