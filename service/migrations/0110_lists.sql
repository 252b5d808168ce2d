-- A type's and a vendor's products by price, which is what shops sort by: where there are hundreds
-- of thousands of them, to sort them takes longer than a page may.
--
-- Inside the migration's transaction nothing else is written to the table meanwhile: some 20
-- seconds for a million products. Whoever can't wait makes them before, by these names and with
-- `create index concurrently`, which no transaction can do; then there is nothing left to do here.

create index if not exists listed_products_of_type_by_price
    on listed_products (type, price, product_id) include (title);
create index if not exists listed_products_of_vendor_by_price
    on listed_products (vendor, price, product_id) include (title);
