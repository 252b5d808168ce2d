-- What lists look up, in one index of arrays: words, tags, type and vendor, so that what is frequent
-- each by itself and rare together needn't be read through, and the product's places in the orders
-- of lists. An index of arrays has no order, and is gone through whole before it gives the first of
-- what it finds; with a few places it gives what stands there.
--
-- A place is a number that grows with the id, with the price (32 from each price to its double),
-- with the title's first three letters or with the id again, by larger steps; beyond another bound
-- each. It follows from the product alone, so nothing has to be moved when others come. One
-- expression, and not strict, so that it is made part of the statement that has it.
--
-- Inside the migration's transaction nothing else is written to the table meanwhile: some 80 seconds
-- for a million products. Whoever can't wait makes function and index before, by these names and
-- with `create index concurrently`, which no transaction can do; then there is little left to do.

create or replace function listed_places(product_id bigint, price bigint, title text) returns int[]
language sql immutable parallel safe as $$
    select array[
        (product_id / 8192 % 536870912)::int,
        536870912 + (
            (get_byte(float8send(price::float8), 0) << 9)
            | (get_byte(float8send(price::float8), 1) << 1)
            | (get_byte(float8send(price::float8), 2) >> 7)
        ),
        -- Letters from a to z are told apart. Of what is before these some, after them none, so
        -- that what follows says nothing of the order.
        1073741824 + case
            when ascii(title) > 122 then 32767
            when ascii(title) < 97 then width_bucket(ascii(title), '{48,50,52,54,56}'::int[]) << 10
            else ((ascii(title) - 91) << 10) | case
                when ascii(substr(title, 2, 1)) > 122 then 1023
                when ascii(substr(title, 2, 1)) < 97
                    then width_bucket(ascii(substr(title, 2, 1)), '{48,50,52,54,56}'::int[]) << 5
                else ((ascii(substr(title, 2, 1)) - 91) << 5) | case
                    when ascii(substr(title, 3, 1)) < 97
                        then width_bucket(ascii(substr(title, 3, 1)), '{48,50,52,54,56}'::int[])
                    else least(ascii(substr(title, 3, 1)) - 91, 31)
                end
            end
        end,
        1610612736 + (product_id / 262144 % 536870912)::int
    ]
$$;

create index if not exists listed_products_found on listed_products using gin (
    words, tags, (array[type]), (array[vendor]), (listed_places(product_id, price, title))
) with (fastupdate = off);
drop index if exists listed_products_search, listed_products_of_tag, listed_products_sample;
