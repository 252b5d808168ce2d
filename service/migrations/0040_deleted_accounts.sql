-- What was deleted stays away: no cookie brings it back.

-- A browser's copy of a cart heals what the database lost. Of what was deleted there is a mark, for
-- as long as any cookie lasts.
create table deleted_accounts (
    mark bytea primary key, -- SHA-256 of the account's id: it names nobody
    deleted_at timestamptz not null
);

create index deleted_accounts_age on deleted_accounts (deleted_at);

-- A guest's cart that joined an account's keeps its copies from healing by being there, so it
-- outlives the account.
alter table carts
    drop constraint carts_merged_into_fkey,
    add constraint carts_merged_into_fkey
        foreign key (merged_into) references accounts on delete set null;
