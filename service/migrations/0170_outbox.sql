-- What other systems are told of: what happened, to whom it goes, and what became of that.

create table webhooks (
    id uuid primary key default gen_random_uuid(),
    name text not null unique,
    url text not null,
    kinds text[] not null, -- of events; empty: all
    -- encrypted by the application: signing needs them as they are
    secret bytea not null,
    -- signs beside the new one until then, while receivers change over
    old_secret bytea,
    old_secret_until timestamptz,
    created_at timestamptz not null,
    disabled_at timestamptz
);

-- Written in the transaction of what it tells, and never changed. It names no person.
create table events (
    id bigint generated always as identity primary key,
    -- what receivers know it by: no number, as those begin anew in a database that was restored
    key uuid not null default gen_random_uuid() unique,
    kind text not null,
    subject text not null, -- what it is about, such as `order:K7Q2-M9XC`; told in this order
    at timestamptz not null,
    data jsonb not null,
    -- by this they can be read one after another without one that is committed late being missed
    written xid8 not null default pg_current_xact_id()
);

create index events_at on events (at);
create index events_written on events (written, id);
create index events_subject on events (subject, id);

create table deliveries (
    event_id bigint not null references events on delete cascade,
    -- no reference: each order would lock the webhook's row
    webhook_id uuid not null,
    subject text not null,
    state text not null default 'pending'
        check (state in ('pending', 'delivered', 'dead', 'skipped')),
    attempts integer not null default 0,
    -- not to be claimed before; of a claimed one, when the claim expires
    due_at timestamptz not null,
    claim uuid,
    attempted_at timestamptz,
    http_status integer, -- of the last attempt
    error text not null default '',
    primary key (event_id, webhook_id)
);

create index deliveries_due on deliveries (webhook_id, due_at) where state = 'pending';
create index deliveries_open on deliveries (webhook_id, subject, event_id)
    where state in ('pending', 'dead');
create index deliveries_dead on deliveries (event_id) where state = 'dead';
