-- A type's and a vendor's products by title: where there are tens of thousands of them, to sort
-- them takes longer than a page may.
--
-- Inside the migration's transaction nothing else is written to the table meanwhile: some ten
-- seconds for a million products. Whoever can't wait makes them before, by these names and with
-- `create index concurrently`, which no transaction can do; then there is nothing left to do here.

create index if not exists listed_products_of_type_by_title
    on listed_products (type, title, product_id) include (price);
create index if not exists listed_products_of_vendor_by_title
    on listed_products (vendor, title, product_id) include (price, type);
