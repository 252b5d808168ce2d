-- Products and their variants. Rows are never deleted: carts and orders refer to variants for
-- good. What is no longer sold is a product that is not published, or a variant not active.

create table products (
    id bigint generated always as identity primary key,
    handle text not null unique,
    title text not null,
    description text not null, -- sanitised HTML
    vendor text not null,
    type text not null,
    tags jsonb not null, -- texts; an array of Postgres can't go into a generated tsvector
    images jsonb not null, -- [{"src", "alt"}], in the order they are shown
    published boolean not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- 'english' and not 'simple', so that "boot" finds "boots". Words of other languages are
    -- still found as they are written, because the query goes through the same stemmer. The
    -- parser leaves out HTML tags by itself.
    search tsvector not null generated always as (
        to_tsvector('english', title || ' ' || type || ' ' || vendor || ' ' || description)
        || to_tsvector('english', tags)
    ) stored
);

create index products_search on products using gin (search);
create index products_of_type on products (type, id) where published;

create table variants (
    id bigint generated always as identity primary key,
    product_id bigint not null references products,
    position integer not null,
    sku text not null unique,
    options jsonb not null, -- [[name, value]]: the keys of an object would lose their order
    price bigint not null check (price >= 0), -- in the currency's minor unit, as all amounts
    compare_at_price bigint check (compare_at_price >= 0),
    currency char(3) not null,
    stock integer, -- null: not tracked
    oversell boolean not null, -- may be ordered beyond the stock
    active boolean not null default true
);

create index variants_of_product on variants (product_id, position);

create view catalogue as
select
    products.id,
    products.handle,
    products.title,
    products.description,
    products.vendor,
    products.type,
    products.tags,
    products.images,
    products.published,
    products.search,
    active.variants -- null when there is none
from products
left join lateral (
    select
        jsonb_agg(
            jsonb_build_object(
                'sku', variants.sku,
                'options', variants.options,
                'price', variants.price,
                'compare_at_price', variants.compare_at_price,
                'currency', variants.currency,
                'stock', variants.stock,
                'oversell', variants.oversell
            )
            order by variants.position
        ) as variants
    from variants
    where variants.product_id = products.id and variants.active
) as active on true;
