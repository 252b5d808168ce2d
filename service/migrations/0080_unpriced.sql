-- Which variants are not sold only because they have no price in the catalogue's currency, and
-- which ones a file withdrew: a price list brings the first back, and never the others.

alter table variants add column unpriced boolean not null default false;

update variants set unpriced = true
where not active and currency <> (select currency from catalogue_currency);
