"""Statements with named parameters."""

from __future__ import annotations

import pytest

from service.database import Connection
from service.statements import Statement


def test_names_are_numbered_as_they_appear() -> None:
    """Each name has the number of its first place, and one number in all its places."""
    statement = Statement("select :b, :a, :b + :c")
    assert statement.text == "select $1, $2, $1 + $3"
    assert statement.names == ("b", "a", "c")


def test_values_are_passed_in_their_order() -> None:
    """A call returns the text and the values by number, in whichever order they are named."""
    statement = Statement("select :b, :a, :b")
    assert statement(a=1, b=2) == (statement.text, 2, 1)


def test_text_is_the_same_for_every_call() -> None:
    """Every call has the very same text, so that a connection prepares it once."""
    statement = Statement("select :a::int")
    assert statement(a=1)[0] is statement(a=2)[0]


@pytest.mark.parametrize(
    "text",
    [
        "select 1::text::int",
        "select 'at 12:30', 'it''s :so', E'\\' :so', e'\\\\'",
        "select $$ :so $$, $body$ it's :so; $$ $body$",
        'select 1 as ":so ""or :so"',
        "select 1 -- that's :so",
        "select 1 /* it's :so,\n or \":so */",
        "select make_interval(secs := 5)",
        "select (array[1, 2, 3])[1:2], a[low:high] from (values (array[1], 1, 1)) t (a, low, high)",
        "select '{0.02, 0.1}'::float4[]",
        "select '[{\"a\":true}]'::jsonb @? '$[*] ? (!exists(@.b))'",
    ],
)
async def test_what_is_no_name_stays(db: Connection, text: str) -> None:
    """Casts, texts, quoted names, comments, named arguments and slices stay as they are."""
    statement = Statement(text)
    assert statement() == (text,)
    await db.fetch(*statement())


async def test_names_beside_what_is_none(db: Connection) -> None:
    """A parameter is found right beside a cast, a text, a comment and a bracket."""
    statement = Statement(
        """
        select ':no' || :text::text, (:list::int[])[1], (array[1, 2, 3])[:low :2], -- it's :no
            make_interval(secs => :seconds), :text = any(array[:text])
        """
    )
    assert statement.names == ("text", "list", "low", "seconds")
    row = await db.fetchrow(*statement(text=":yes", list=[7], low=1, seconds=5.0))
    assert row is not None
    assert list(row)[:3] == [":no:yes", 7, [1, 2]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select $1", "a number"),
        ("select :a, $2", "a number"),
        ("select 'it''s", "a text without an end"),
        ('select "a', "a quoted name without an end"),
        ("select {columns} from t", "not filled in"),
        ("select a from t where {condition", "not filled in"),
        ("delete from t; select 1", "more than one statement"),
    ],
)
def test_text_that_cant_be_meant_is_refused(text: str, said: str) -> None:
    """A text that can't be meant ends the import, and not a request."""
    with pytest.raises(ValueError, match=said):
        Statement(text)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"a": 1}, r"missing: \['b'\], not in the statement: \[\]"),
        ({"a": 1, "b": 2, "c": 3}, r"missing: \[\], not in the statement: \['c'\]"),
        ({"a": 1, "c": 3}, r"missing: \['b'\], not in the statement: \['c'\]"),
        ({}, r"missing: \['a', 'b'\]"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, int], said: str) -> None:
    """A value that is missing, or that the statement doesn't name, is an error that names it."""
    with pytest.raises(TypeError, match=said):
        Statement("select :a, :b")(**values)


async def test_every_method_of_a_connection_takes_it(db: Connection) -> None:
    """Whatever asyncpg offers to run a statement with takes what a call returns."""
    double = Statement("select 2 * :number::int")
    assert await db.fetchval(*double(number=2)) == 4
    assert [list(row) for row in await db.fetch(*double(number=3))] == [[6]]
    row = await db.fetchrow(*double(number=4))
    assert row is not None
    assert list(row) == [8]
    assert await db.execute(*double(number=5)) == "SELECT 1"
    await db.execute("create temporary table numbers (n int) on commit drop")
    insert = Statement("insert into numbers (n) values (:number)")
    await db.executemany(insert.text, [insert(number=n)[1:] for n in range(3)])
    assert await db.fetchval("select count(*) from numbers") == 3
