-- What `locker purge` looks for, each in the order of its age.

-- One index for each of the two ages at which a guest's cart goes (service/housekeeping/model.py); a
-- cart is only ever in one of them.
drop index carts_of_guests;
create index carts_of_guests_filled on carts (updated_at)
    where account_id is null and merged_into is null and lines <> '[]';
create index carts_of_guests_empty on carts (updated_at)
    where account_id is null and lines = '[]';

create index logins_ended on logins (ended_at) where ended_at is not null;
