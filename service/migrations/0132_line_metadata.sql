-- What a client says about a line (an engraving, a gift note) is bought with it.

alter table order_lines
    add column metadata jsonb not null default '{}'; -- {name: text}, the client's own

-- It may be about the person as well, and goes with what the order says of them.
create function forget_gifts() returns trigger language plpgsql as $$ begin
    update order_lines set metadata = '{}' where order_id = new.id and metadata <> '{}';
    return null;
end
$$;

create trigger orders_forget_gifts after update of account_id, status on orders
    for each row when (
        new.account_id is null and new.key_hash is null and new.status <> 'placed'
    )
    execute function forget_gifts();
