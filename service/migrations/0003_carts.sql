-- Carts: one row each, so that a cart changes whole or not at all.

create table carts (
    id uuid primary key,
    -- null: a guest's, known by its id in the signed session
    account_id uuid unique references accounts on delete cascade,
    revision integer not null check (revision > 0),
    -- [{"variant", "quantity", "price"}], in the order they were first added; price is the
    -- one shown then, in minor units
    lines jsonb not null,
    -- the account that took this guest's cart over; lines added since are still to follow
    merged_into uuid references accounts on delete cascade,
    merged_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index carts_late on carts (merged_into) where lines <> '[]';
-- for the reference alone: an account that is deleted takes these with it
create index carts_merged on carts (merged_into) where merged_into is not null;
create index carts_of_guests on carts (updated_at) where account_id is null;
