-- Operators find variants by how few there are, by SKU and by the product's title. As in 0140:
-- whoever can't wait makes these before, with `create index concurrently`; the last one takes some
-- minutes for millions of products.

-- Small, so that a checkout seldom has to touch it: what low stock is has a limit.
create index if not exists variants_low on variants (stock, id) where active and stock <= 1000;
create index if not exists variants_by_sku on variants (lower(sku) text_pattern_ops);
create index if not exists products_by_title on products using gin (lower(title) gin_trgm_ops);
