-- Products from all over the catalogue, in an order that has nothing to do with them: a list looks
-- at the first few hundred to know how common what it asks for is. To find as many by their ids, one
-- by one, took half of what a page takes. Every sixteenth product, which is more than are looked at.
--
-- And all products by price with their titles. Without these PostgreSQL 18 takes an index by type
-- and price, which has them, for a list between two prices: from type to type, and sorts it then.
--
-- Inside the migration's transaction nothing else is written to the table meanwhile: some three
-- seconds for a million products. Whoever can't wait makes them before, by these names and with
-- `create index concurrently`, which no transaction can do; then there is nothing left to do here.

create index if not exists listed_products_probed
    on listed_products (hashint8(product_id)) where hashint8(product_id) < -1879048192;
create index if not exists listed_products_by_price_and_title
    on listed_products (price, product_id) include (title);
drop index if exists listed_products_by_price;
