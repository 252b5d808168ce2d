-- Of a cart that is left behind other systems are told, once for each time that it is.

-- When the cart that was told of had last changed. Carts that are there already count as told of, so
-- that no upgrade tells of years of them; they are told of once they change and are left again.
alter table carts add column told_at timestamptz default now();
alter table carts alter column told_at drop default;

-- Built beside the table's use by who can't wait, once the column is there: `create index
-- concurrently`, by this name.
create index if not exists carts_left on carts (updated_at)
    where lines <> '[]' and merged_at is null and (told_at is null or told_at < updated_at);
