"""A catalogue of millions, made up by the database itself.

How often its words are used falls as it does in a language (Zipf), and so it is with types,
vendors and tags: some are everywhere, most are rare.
"""

from __future__ import annotations

from service.database import Connection

MANY = 5_000_000
"""Products."""

_TABLES = ("listed_products", "products", "variants")

_WORDS = (
    # The n-th most frequent of 20,000: three syllables, none twice.
    """
    create temporary table words as
    select n, string_agg(
        substr('bdfghjklmnprstvzwkcq', 1 + s / 5, 1) || substr('aeiou', 1 + s % 5, 1), ''
        order by place
    ) as word
    from generate_series(1, 20000) as n,
        lateral (values (1, n * 7919 % 1000000 / 10000), (2, n * 7919 % 10000 / 100),
            (3, n * 7919 % 100)) as syllables (place, s)
    group by n
    """,
    "create unique index on words (n) include (word)",
    # 100,000 products, of which all others are copies but for the first word of their titles: the
    # words of a text take the longest to make, and titles of copies would stand side by side.
    """
    create temporary table models as
    with drawn as (
        -- 24 words of title and text, one of the vendor, a type, three tags
        select n, place, case
                when place < 25 then floor(exp(random() * ln(20000)))
                when place = 25 then 1000 + floor(exp(random() * ln(500)))
                else 2000 + floor(exp(random() * ln(1000)))
            end as word
        from generate_series(0, 99999) as n, generate_series(0, 28) as place
    ), models as (
        select drawn.n,
            string_agg(words.word, ' ') filter (where place < 4) as title,
            string_agg(words.word, ' ') filter (where place between 4 and 23) as text,
            min(words.word) filter (where place = 24) || ' & co.' as vendor,
            min(words.word) filter (where place = 25) as type,
            array_agg(words.word) filter (where place > 25) as tags
        from drawn join words on words.n = drawn.word::int
        group by drawn.n
    )
    select n, initcap(title) as title, '<p>' || text || '</p>' as description,
        initcap(vendor) as vendor, initcap(type) as type, tags, to_jsonb(tags) as json,
        search_document(
            'english', title, type || ' ' || search_text(vendor),
            array_to_string(tags, ' ') || ' small large', '', text
        ) as words
    from models
    """,
    "create unique index on models (n)",
    "analyze models",
)

_PRODUCTS = """
    insert into products (handle, title, description, vendor, type, tags, images, published)
    select 'many-' || each, initcap(words.word) || ' ' || title || ' ' || each / 100000,
        description, vendor, type, json, '[]', true
    from (
        select each, floor(exp(random() * ln(20000)))::int as first
        from generate_series($1::bigint, $2) as each
        offset 0
    ) as drawn
    join words on words.n = first
    join models on models.n = each * 7919 % 100000
    order by each
"""

# One in four comes in two sizes, one in three of all variants is sold out.
_VARIANTS = """
    insert into variants (product_id, position, sku, options, price, currency, stock, oversell)
    select id, position, 'MANY-' || id || '-' || position,
        case position when 1 then '[["Size", "Small"]]' else '[["Size", "Large"]]' end::jsonb,
        floor(exp(4 + random() * 8)) + position, 'USD',
        case when random() < 0.33 then 0 else 10 end, false
    from generate_series($1::bigint, $2) as id,
        generate_series(1, case when id % 4 = 0 then 2 else 1 end) as position
    order by id, position
"""

# What list_products would make of them, for the most part: it takes several times as long.
_LISTED = """
    insert into listed_products (product_id, title, type, vendor, tags, price, words)
    select id, left(lower(products.title), 64), models.type, models.vendor, models.tags,
        (select min(price) from variants where product_id = products.id),
        setweight(
            to_tsvector('simple', id / 100000 || ' many' || id || '1')
            || to_tsvector('simple', first) || to_tsvector('english', first), 'A'
        ) || words
    from products, split_part(lower(products.title), ' ', 1) as first, models
    where id between $1 and $2 and models.n = id * 7919 % 100000
    order by id
"""

_VOCABULARY = """
    insert into vocabulary (word, slips) select word, slips(word) from words
    on conflict do nothing
"""


# By a trigger too.
_TYPES = """
    insert into listed_types (type, products)
    select type, count(*) from listed_products group by type
"""


async def fill(db: Connection, count: int, *, batch: int = 250_000) -> None:
    """Fill a migrated database without products, and bring the statistics up to date.

    The column that no list reads, `products.search`, is left empty, and no trigger is run.
    """
    indexes = await db.fetch(
        """
        select pg_get_indexdef(indexrelid) as make, indexrelid::regclass::text as name
        from pg_index
        where indrelid = any($1::text[]::regclass[])
            and not exists (select from pg_constraint where conindid = indexrelid)
        """,
        _TABLES,
    )
    references = await db.fetch(
        """
        select conrelid::regclass::text as on, conname as name, pg_get_constraintdef(oid) as make
        from pg_constraint where contype = 'f' and conrelid = any($1::text[]::regclass[])
        """,
        _TABLES,
    )
    ours = {index["name"]: index["make"] for index in indexes}
    await _execute(
        db,
        *(*_WORDS, _VOCABULARY),
        *(f"drop index {name}" for name in ours),
        *(f"alter table {each['on']} drop constraint {each['name']}" for each in references),
        *(f"alter table {table} disable trigger user" for table in _TABLES),
        "alter table products alter search drop expression, alter search drop not null",
    )
    # The price of a product is the least of its variants', which are found by their index.
    for statement, then in (
        (_PRODUCTS, "analyze products"),
        (_VARIANTS, ours.pop("variants_of_product")),
        (_LISTED, "analyze listed_products"),
    ):
        for start in range(1, count + 1, batch):
            await db.execute(statement, start, min(start + batch - 1, count), timeout=None)
        await _execute(db, then)
    await _execute(
        db,
        _TYPES,
        *(f"alter table {table} enable trigger user" for table in _TABLES),
        *ours.values(),
        *(
            f"alter table {each['on']} add constraint {each['name']} {each['make']}"
            for each in references
        ),
        "vacuum analyze products, variants, listed_products, listed_types, vocabulary",
    )


async def _execute(db: Connection, *statements: str) -> None:
    for statement in statements:
        await db.execute(statement, timeout=None)


def word(n: int) -> str:
    """Return the n-th most frequent word, as the database makes it up."""
    consonants, vowels, product = "bdfghjklmnprstvzwkcq", "aeiou", n * 7919
    syllables = (product % 1_000_000 // 10_000, product % 10_000 // 100, product % 100)
    return "".join(consonants[each // 5] + vowels[each % 5] for each in syllables)
