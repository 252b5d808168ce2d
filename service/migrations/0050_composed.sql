-- Skus, handles and types in NFC, as they are asked for: an accent that is a character of its own is
-- the same letter. Where both writings are there, the other keeps its own, which nobody can tell
-- apart, and goes with the next import.

do $$ begin
    -- normalize() works in UTF-8 alone; `locker doctor` advises against anything else.
    if getdatabaseencoding() = 'UTF8' then
        with composed as (
            select distinct on (normalize(sku)) id, normalize(sku) as sku
            from variants order by normalize(sku), sku is nfc normalized desc, id
        )
        update variants set sku = composed.sku
        from composed where variants.id = composed.id and variants.sku <> composed.sku;

        with composed as (
            select distinct on (normalize(handle)) id, normalize(handle) as handle
            from products order by normalize(handle), handle is nfc normalized desc, id
        )
        update products set handle = composed.handle
        from composed where products.id = composed.id and products.handle <> composed.handle;

        update products set type = normalize(type) where type is not nfc normalized;
    end if;
end $$;
