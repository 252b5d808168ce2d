-- Whoever stands behind the counter: accounts with a role, and who did what for the shop.

-- null: a shopper's. An operator's login opens the shop's own pages, and tokens with the scope
-- `admin` are an operator's.
alter table accounts add column role text check (role in ('operator'));

create index accounts_role on accounts (role) where role is not null;

alter table audit
    -- the operator who did it, and by which login or token; both null at the command line, and
    -- where the account did it itself
    add column by_account_id uuid,
    add column by_login_id uuid,
    -- what it was done to, where that is no account: an order's number, a SKU
    add column subject text,
    add column details jsonb;

-- built beside the table's use by who can't wait: `create index concurrently`, by this name
create index if not exists audit_subject on audit (subject, id) where subject is not null;
