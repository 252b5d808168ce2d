-- Whom an order is for, where it goes, and what the customer had to say.

alter table orders
    add column contact jsonb, -- {"email", "name", "phone"}
    add column shipping_address jsonb,
    add column billing_address jsonb,
    add column note text not null default '',
    add column metadata jsonb not null default '{}', -- {name: text}, the client's own
    -- an order of a guest: by its hash, what shows it to whoever has it
    add column key_hash bytea;

-- An account that is deleted leaves its orders without the person. What is still to be sent keeps
-- its address until it is.
create function forget_person() returns trigger language plpgsql as $$
begin
    new.contact := null;
    new.shipping_address := null;
    new.billing_address := null;
    new.note := '';
    new.metadata := '{}';
    return new;
end
$$;

create trigger orders_forget_person before update of account_id, status on orders
    for each row when (
        new.account_id is null and new.key_hash is null and new.status <> 'placed'
        and new.contact is not null
    )
    execute function forget_person();
