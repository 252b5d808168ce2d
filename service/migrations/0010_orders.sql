-- Orders: what was bought, at the prices and by the names of that moment.

create table orders (
    -- Inside only: it counts, and so would tell how many are sold.
    id bigint generated always as identity primary key,
    number text not null unique,
    -- null: the account was deleted; the order stays, without the person
    account_id uuid references accounts on delete set null,
    status text not null check (status in ('placed', 'cancelled', 'fulfilled')),
    placed_at timestamptz not null,
    currency char(3) not null,
    total bigint not null check (total >= 0), -- in the currency's minor unit
    -- The cart, and the revision at which this order left it empty: so a cart is ordered once,
    -- and one that is still at that revision is known to have been ordered. The cart may be gone.
    cart_id uuid not null,
    cart_revision integer not null,
    unique (cart_id, cart_revision)
);

create index orders_of_account on orders (account_id, id);
create index orders_to_fulfil on orders (id) where status = 'placed';

create table order_lines (
    order_id bigint not null references orders,
    position integer not null,
    variant_id bigint not null references variants,
    sku text not null,
    title text not null,
    options jsonb not null, -- [[name, value]]
    quantity integer not null check (quantity > 0),
    unit_price bigint not null check (unit_price >= 0),
    -- whether a cancellation gives units back: there was a count of the stock to take them from
    from_stock boolean not null,
    primary key (order_id, position)
);
