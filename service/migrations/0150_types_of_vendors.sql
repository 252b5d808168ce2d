-- What is of a type and of a vendor: each alone may be hundreds of thousands of products, of which
-- few have both.
--
-- Inside the migration's transaction nothing else is written to the table meanwhile: some 20
-- seconds for a million products. Whoever can't wait makes it before, by this name and with
-- `create index concurrently`, which no transaction can do; then there is nothing left to do here.

create index if not exists listed_products_of_type_and_vendor
    on listed_products (type, vendor, price, product_id) include (title);
