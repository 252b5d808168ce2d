-- The outcomes of requests that came with an Idempotency-Key.

create table idempotency_keys (
    scope uuid not null, -- the account, or a guest's cart
    key text not null,
    fingerprint bytea not null, -- SHA-256 of the request: the same key with another is an error
    created_at timestamptz not null,
    -- null only inside the transaction that does the work
    status integer,
    headers jsonb,
    body bytea,
    primary key (scope, key)
);

create index idempotency_keys_age on idempotency_keys (created_at);
