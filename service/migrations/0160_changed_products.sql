-- By which transaction a product or a variant was last written: processes that hold the catalogue in
-- memory read again what those transactions wrote that weren't over when they last looked. Not a
-- number of a sequence, which a transaction takes before it ends, so that a larger one may be seen
-- first. Null, as all are now, is what was written before any process looked.
--
-- Kept by triggers, so that whatever writes keeps it, the version before this one included.
--
-- The indexes begin empty, but their tables are read through for that, and wait meanwhile: a second
-- or so for a million variants. Whoever can't wait adds the columns before, by these names, which
-- takes no time, and then makes the indexes with `create index concurrently`.

alter table products add column if not exists changed xid8;
alter table variants add column if not exists changed xid8;

create index if not exists products_changed on products (changed) where changed is not null;
create index if not exists variants_changed on variants (changed) where changed is not null;

create function note_change() returns trigger
language plpgsql as $$ begin
    new.changed := pg_current_xact_id();
    return new;
end
$$;

create trigger products_noted before insert or update on products
for each row execute function note_change();

create trigger variants_noted before insert or update on variants
for each row execute function note_change();

-- What a product loses isn't seen in the variant that it had.
create function note_loss() returns trigger
language plpgsql as $$ begin
    update products set changed = pg_current_xact_id() where id = old.product_id;
    return null;
end
$$;

create trigger variants_moved after update on variants
for each row when (old.product_id <> new.product_id) execute function note_loss();

create trigger variants_gone after delete on variants
for each row execute function note_loss();
