-- What lists and searches read: a narrow row for each product that they show, its words apart
-- from the product. Kept by triggers, so that whatever writes products and variants, the
-- version before this one included, keeps it too.

create extension if not exists unaccent;
create extension if not exists pg_trgm;

-- The text search configuration that the words were made with; `locker migrate` brings it to
-- LOCKER_SEARCH_LANGUAGE and makes the words anew. Not a regconfig, which pg_upgrade refuses.
create table search_index (
    one boolean primary key default true check (one),
    language text not null
);
insert into search_index (language) values ('english');

create table listed_products (
    product_id bigint primary key references products,
    title text collate "C" not null, -- in search_text's form, its beginning: what titles sort by
    type text not null,
    vendor text not null,
    tags text[] not null,
    price bigint not null, -- the lowest
    words tsvector not null
);

create index listed_products_by_price on listed_products (price, product_id);
create index listed_products_by_title on listed_products (title, product_id);
create index listed_products_of_type on listed_products (type, product_id);
create index listed_products_of_vendor on listed_products (vendor, product_id);
create index listed_products_of_tag on listed_products using gin (tags);
-- Without a list of what is still to be entered, which every search would have to read through.
create index listed_products_search on listed_products using gin (words) with (fastupdate = off);

-- Each word that names something, for proposals where a search finds nothing. A word stays when
-- the last product with it goes; whoever proposes one looks whether it finds anything.
create table vocabulary (
    word text primary key,
    slips text[] not null
);

create index vocabulary_of_slips on vocabulary using gin (slips);
create index vocabulary_alike on vocabulary using gin (word gin_trgm_ops);

-- A text as it is compared: without case, accents and other ways to write a letter, words with
-- blanks between them. Ideographs and kana, which are written without blanks, are words each.
-- The first class is all that separates words, listed as classes like [:punct:] go by the
-- database's locale. It has every character that is special in a tsquery.
create function search_text(text) returns text
language sql immutable strict parallel safe as $$
    -- Most texts, and much faster: ASCII alone.
    select btrim(case when octet_length($1) = length($1)
        then regexp_replace(lower($1), '[^a-z0-9]+', ' ', 'g')
        else regexp_replace(
            regexp_replace(
                lower(unaccent('unaccent', normalize($1, nfkc))),
                '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb\u00bf\u00d7\u00f7\u02b9-\u02df\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\ufe00-\ufe6f\U0001f000-\U0001faff]+',
                ' ', 'g'
            ),
            '([\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])', ' \1 ', 'g'
        )
    end)
$$;

-- The word, and what is left of it when any one letter is missed: two words have one of these in
-- common if one slip turns one into the other (a letter more, less, another, or two swapped).
create function slips(word text) returns text[]
language sql immutable strict parallel safe as $$
    select array_agg(distinct slip) from (
        select word as slip
        union all
        select overlay(word placing '' from n for 1) from generate_series(1, length(word)) as n
    ) as each
$$;

-- The words of a text run together by twos and threes ("roll top" is "rolltop" too), and the ends
-- of long ones ("headlamp" is a "lamp"). A beginning is found without.
create function search_compounds(words text[]) returns text
language sql immutable strict parallel safe as $$
    select coalesce(string_agg(form, ' '), '') from (
        select array_to_string(words[n:n + more], '') as form
        from generate_series(1, 2) as more, generate_series(1, cardinality(words) - more) as n
        union all
        select substr(word, start)
        from unnest(words) as word, generate_series(4, least(length(word) - 3, 40)) as start
    ) as each
$$;

-- All arguments but the first in search_text's form; `codes` are the SKUs without their blanks.
create function search_document(
    language regconfig, title text, kind text, details text, codes text, description text
) returns tsvector
language sql immutable strict parallel safe as $$
    -- Names also as they are written: the stem of a beginning needn't begin the stem.
    select setweight(to_tsvector(language, title) || to_tsvector('simple', title), 'A')
        || setweight(to_tsvector('simple', codes), 'A')
        || setweight(to_tsvector(language, kind) || to_tsvector('simple', kind), 'B')
        || setweight(to_tsvector(language, details) || to_tsvector('simple', details), 'C')
        || to_tsvector(
            language, search_compounds(string_to_array(title, ' ')) || ' ' || description
        )
$$;

-- Brings the listed_products of these products to what the products and their variants say.
create function list_products(products_changed bigint[]) returns void
language plpgsql as $$ declare
    -- Held against `locker migrate` while it makes all words anew in another language.
    language regconfig := (select search_index.language from search_index for share); begin
    delete from listed_products
    where product_id = any(products_changed)
        and not exists (
            select from products join variants on variants.product_id = products.id
            where products.id = listed_products.product_id
                and products.published and products.status <> 'unlisted' and variants.active
        );

    with found as materialized (
        select
            products.id,
            search_text(products.title) as title,
            normalize(products.type, nfc) as type,
            normalize(products.vendor, nfc) as vendor,
            array(
                select normalize(tag, nfc) from jsonb_array_elements_text(products.tags) as tag
            ) as tags,
            sold.price,
            search_text(products.type || ' ' || products.vendor) as kind,
            -- Each bounded: all that a product may have wouldn't fit into one tsvector.
            search_text(concat_ws(
                ' ',
                (select left(string_agg(tag, ' '), 60000)
                    from jsonb_array_elements_text(products.tags) as tag),
                left(sold.options, 60000),
                left(sold.skus, 60000)
            )) as details,
            left(sold.codes, 60000) as codes,
            search_text(regexp_replace(products.description, '<[^>]*>|&[a-z]+;', ' ', 'g'))
                as description
        from products
        join lateral (
            select
                min(variants.price) as price,
                string_agg(variants.sku, ' ' order by variants.position) as skus,
                string_agg(
                    replace(search_text(variants.sku), ' ', ''), ' ' order by variants.position
                ) as codes,
                string_agg(
                    (
                        select string_agg(option ->> 1, ' ')
                        from jsonb_array_elements(variants.options) as option
                    ),
                    ' ' order by variants.position
                ) as options
            from variants
            where variants.product_id = products.id and variants.active
        ) as sold on sold.price is not null
        where products.id = any(products_changed)
            and products.published and products.status <> 'unlisted'
    ), words as (
        -- In one order everywhere, so that two at once wait for each other but don't lock up.
        insert into vocabulary (word, slips)
        select word, slips(word) from (
            select distinct word
            from found, string_to_table(concat_ws(' ', title, kind, details), ' ') as word
            where length(word) between 3 and 40 and word !~ '^[0-9]+$'
        ) as each
        where not exists (select from vocabulary where vocabulary.word = each.word)
        order by word
        on conflict do nothing
    )
    insert into listed_products (product_id, title, type, vendor, tags, price, words)
    select
        id, left(title, 64), type, vendor, tags, price,
        search_document(language, title, kind, details, codes, description)
    from found
    order by id
    on conflict (product_id) do update set
        title = excluded.title,
        type = excluded.type,
        vendor = excluded.vendor,
        tags = excluded.tags,
        price = excluded.price,
        words = excluded.words;
end
$$;

-- A product is stored before its variants, and without them isn't listed: nothing to do when it
-- comes. Of what changes at a checkout, the stock, a list holds nothing.
create function list_changed_products() returns trigger
language plpgsql as $$ begin
    perform list_products(array_agg(after.id order by after.id))
    from after join before using (id)
    where (
            after.title, after.description, after.vendor, after.type, after.tags,
            after.published, after.status
        ) is distinct from (
            before.title, before.description, before.vendor, before.type, before.tags,
            before.published, before.status
        )
    having count(*) > 0;
    return null;
end
$$;

create function list_products_of_new_variants() returns trigger
language plpgsql as $$ begin
    perform list_products(array_agg(distinct product_id order by product_id))
    from after
    having count(*) > 0;
    return null;
end
$$;

create function list_products_of_changed_variants() returns trigger
language plpgsql as $$ begin
    perform list_products(array_agg(distinct product_id order by product_id))
    from (
        select unnest(array[before.product_id, after.product_id]) as product_id
        from after join before using (id)
        where (after.product_id, after.sku, after.options, after.price, after.active)
            is distinct from
            (before.product_id, before.sku, before.options, before.price, before.active)
    ) as changed
    having count(*) > 0;
    return null;
end
$$;

create trigger products_listed after update on products
referencing old table as before new table as after
for each statement execute function list_changed_products();

create trigger variants_listed_first after insert on variants
referencing new table as after
for each statement execute function list_products_of_new_variants();

create trigger variants_listed after update on variants
referencing old table as before new table as after
for each statement execute function list_products_of_changed_variants();

select list_products(array_agg(id order by id)) from products having count(*) > 0;
