-- What happened to accounts, for whoever has to find out later. Kept for LOCKER_AUDIT_DAYS.

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    event text not null,
    -- no reference: the record outlives the account
    account_id uuid,
    -- the login or token it is about
    login_id uuid,
    ip text not null,
    user_agent text not null,
    request_id text not null
);

create index audit_at on audit (at);
create index audit_account on audit (account_id, at);
