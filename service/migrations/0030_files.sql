-- What a file may say of a product and its variants, kept apart, so that a file that says only a
-- part of it leaves the rest.

alter table products
    add column status text not null default 'active'
        check (status in ('active', 'draft', 'archived', 'unlisted')),
    -- what the column "Published" says; "published" is both together: online, and of a status
    -- that is sold
    add column online boolean not null default true;

update products set online = false where not published;

alter table variants add column image jsonb; -- {"src", "alt"}, its own picture; null: none

create or replace view catalogue as
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
    active.variants, -- null when there is none
    products.status
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
                'oversell', variants.oversell,
                'image', variants.image
            )
            order by variants.position
        ) as variants
    from variants
    where variants.product_id = products.id and variants.active
) as active on true;

-- The one currency that a catalogue is priced in; no row before the first import.
create table catalogue_currency (
    one boolean primary key default true check (one),
    currency char(3) not null
);

insert into catalogue_currency (currency)
select currency from variants where active
group by currency order by count(*) desc, currency limit 1;

-- What was priced in another could be added to a cart, and be summed up with the rest.
update variants set active = false
where active and currency <> (select currency from catalogue_currency);
