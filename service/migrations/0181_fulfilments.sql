-- Orders are sent in parts: what of each line was sent, what will not be, and when it went.

-- What is there has satisfied the narrower one, so nothing is read through.
alter table orders drop constraint orders_status_check;
alter table orders add constraint orders_status_check
    check (status in ('placed', 'partially_fulfilled', 'cancelled', 'fulfilled')) not valid;

-- What operators note of it; the customer's own words are in `note`.
alter table orders add column operator_note text not null default '';

-- Of an order that is placed or partially fulfilled. One that is fulfilled or cancelled without
-- these, as the code before this leaves it, is so as a whole.
alter table order_lines
    add column fulfilled integer not null default 0,
    add column cancelled integer not null default 0;
alter table order_lines add constraint order_lines_units
    check (fulfilled >= 0 and cancelled >= 0 and fulfilled::bigint + cancelled <= quantity) not valid;

create table fulfilments (
    id bigint generated always as identity primary key,
    order_id bigint not null references orders,
    at timestamptz not null,
    lines jsonb not null, -- [{"sku", "quantity"}]
    tracking text not null
);

create index fulfilments_of_order on fulfilments (order_id, id);

-- As in 0140: whoever can't wait makes these three before, with `create index concurrently`.
create index if not exists orders_by_status on orders (status, id);
create index if not exists orders_to_send on orders (id)
    where status in ('placed', 'partially_fulfilled');
create index if not exists orders_by_customer on orders using gin (
    lower(coalesce(contact->>'name', '') || ' ' || coalesce(contact->>'email', '')) gin_trgm_ops
) where contact is not null;
drop index orders_to_fulfil;

-- What is still to be sent keeps its address until it is, of an account that is deleted too; and
-- what operators noted may be about the person.
create or replace function forget_person() returns trigger language plpgsql as $$
begin
    new.contact := null;
    new.shipping_address := null;
    new.billing_address := null;
    new.note := '';
    new.operator_note := '';
    new.metadata := '{}';
    return new;
end
$$;

drop trigger orders_forget_person on orders;
create trigger orders_forget_person before update of account_id, status on orders
    for each row when (
        new.account_id is null and new.key_hash is null
        and new.status not in ('placed', 'partially_fulfilled') and new.contact is not null
    )
    execute function forget_person();

drop trigger orders_forget_gifts on orders;
create trigger orders_forget_gifts after update of account_id, status on orders
    for each row when (
        new.account_id is null and new.key_hash is null
        and new.status not in ('placed', 'partially_fulfilled')
    )
    execute function forget_gifts();
