-- Browsers that logged in to an account before: let in when strangers have used up its attempts.

create table devices (
    -- SHA-256 of the token in the session's section of its own
    token_hash bytea not null,
    account_id uuid not null references accounts on delete cascade,
    created_at timestamptz not null,
    used_at timestamptz not null,
    -- of the first log in
    user_agent text not null,
    ip text not null,
    primary key (token_hash, account_id)
);

create index devices_account on devices (account_id, used_at);
create index devices_used on devices (used_at);

alter table logins
    add column device bytea,
    -- whether the account had not been logged in to on this device
    add column new_device boolean not null default false;

-- An address is no longer what an account is known by.
drop index audit_familiar;
