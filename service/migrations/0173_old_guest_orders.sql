-- Guests' orders that are done, by their age: `locker purge` takes the person out of them. As in 0140:
-- whoever can't wait makes it before, with `create index concurrently`.
create index if not exists orders_of_guests on orders (placed_at)
    where key_hash is not null and status in ('fulfilled', 'cancelled');
