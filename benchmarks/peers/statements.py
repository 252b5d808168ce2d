"""The SQL of the peers, `$1` for parameters."""

from __future__ import annotations

_PRODUCT = "select handle, title, description, vendor, type, tags, images, variants from catalogue"
PRODUCTS = f"{_PRODUCT} where published and variants is not null order by id desc limit $1"
PRODUCT = f"{_PRODUCT} where published and handle = $1"

_LOGIN = """
    login as (
        select l.account_id, l.id from logins l join accounts a on a.id = l.account_id
        where l.token_hash = $1 and l.ended_at is null and l.expires_at > now()
            and l.last_seen_at + l.idle > now() and a.disabled_at is null
    ),
    seen as (
        update logins set last_seen_at = now() where token_hash = (
            select token_hash from logins where token_hash = $1
                and last_seen_at < now() - interval '1 minute' and exists (select from login)
            for update skip locked
        )
    )
"""

_OFFERS = """
    select coalesce(jsonb_agg(jsonb_build_object(
        'id', v.id, 'sku', v.sku, 'handle', p.handle, 'title', p.title, 'options', v.options,
        'image', p.images->0->>'src', 'price', v.price, 'currency', v.currency,
        'stock', v.stock, 'oversell', v.oversell, 'sold', p.published and v.active
    )), '[]')
    from variants v join products p on p.id = v.product_id
    where v.id in (select id from wanted)
"""


def _cart(locking: str = "") -> str:
    return f"""
    with {_LOGIN},
    of_account as (
        select id, revision, lines from carts
        where account_id = (select account_id from login) {locking}
    ),
    of_guest as (
        select id, revision, lines from carts
        where id = $2::uuid and account_id is null and merged_at is null
            and not exists (select from login) {locking}
    ),
    cart as (select * from of_account union all select * from of_guest),
    wanted as (
        select id from variants where sku = $3::text
        union
        select (line->>'variant')::bigint from cart, jsonb_array_elements(cart.lines) as line
    )
    select (select account_id from login) as account_id, cart.id, cart.revision, cart.lines,
        ({_OFFERS}) as offers
    from (select) as one left join cart on true
    """


CART = _cart()
CART_LOCKED = _cart("for update")

STORE_CART = """
    insert into carts (id, account_id, revision, lines, created_at, updated_at)
    values ($1, $2, $3::integer + 1, $4, now(), now())
    on conflict (id) do update
    set revision = excluded.revision, lines = excluded.lines, updated_at = excluded.updated_at
    where carts.revision = $3::integer
    returning revision
"""

COUNT_ATTEMPTS = """
    insert into attempts (key, count, ends_at)
    select key, 1, now() + interval '1 hour' from unnest($1::bytea[]) as key order by key
    on conflict (key) do update set
        count = case when attempts.ends_at <= now() then 1 else attempts.count + 1 end,
        ends_at = case when attempts.ends_at <= now() then excluded.ends_at
            else attempts.ends_at end
    returning count
"""

ACCOUNT = """
    select id, username, email, password_hash, created_at from accounts
    where (username_key = $1 or email_key = $1) and disabled_at is null
"""

START_LOGIN = """
    with started as (
        insert into logins (
            token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip
        )
        select $1, id, now(), now(), interval '1 day', now() + interval '7 days', $3, $4
        from accounts where id = $2 and password_hash = $5 and disabled_at is null
        for no key update
        returning id, account_id
    )
    insert into audit (at, event, account_id, login_id, ip, user_agent, request_id)
    select now(), 'logged_in', account_id, id, $4, $3, $6 from started
    returning id
"""

CARTS_TO_MERGE = f"""
    with of_account as (
        select id, account_id, revision, lines from carts where account_id = $1 for update
    ),
    of_guest as (
        select id, account_id, revision, lines from carts
        where id = $2::uuid and account_id is null and merged_at is null for update
    ),
    cart as (select * from of_account union all select * from of_guest),
    wanted as (
        select (line->>'variant')::bigint as id
        from cart, jsonb_array_elements(cart.lines) as line
    )
    select cart.id, cart.account_id, cart.revision, cart.lines, ({_OFFERS}) as offers
    from (select) as one left join cart on true
"""

MERGE = (
    """
    with closed as (
        update carts set lines = '[]', revision = revision + 1, updated_at = now(),
            merged_into = $2, merged_at = now()
        where id = $5::uuid
    )
"""
    + STORE_CART
)

END_LOGIN = """
    with ended as (
        update logins set ended_at = now(), over_at = now() + interval '10 seconds'
        where token_hash = $1 and ended_at is null returning id, account_id
    )
    insert into audit (at, event, account_id, login_id, ip, user_agent, request_id)
    select now(), 'logged_out', account_id, id, $2, $3, $4 from ended
"""

LOGIN = f"with {_LOGIN} select account_id from login"

CLAIM_KEY = """
    insert into idempotency_keys (scope, key, fingerprint, created_at)
    values ($1, $2, $3, now()) on conflict do nothing returning true
"""
STORED_ANSWER = (
    "select fingerprint, status, body from idempotency_keys where scope = $1 and key = $2"
)
STORE_ANSWER = """
    update idempotency_keys set status = $3, headers = '{}', body = $4
    where scope = $1 and key = $2
"""

TAKE_STOCK = """
    with asked as (
        select v.id, v.stock, a.quantity
        from unnest($1::bigint[], $2::integer[]) as a (id, quantity)
        join variants v on v.id = a.id
        order by v.id for update of v
    ),
    taken as (
        update variants v set stock = v.stock - asked.quantity
        from asked where asked.id = v.id and v.stock is not null
            and (v.oversell or v.stock >= asked.quantity)
        returning v.id
    )
    select asked.id, asked.id in (select id from taken) as taken, asked.stock from asked
"""

PLACE_ORDER = """
    with o as (
        insert into orders (
            number, account_id, status, placed_at, currency, total, cart_id, cart_revision, contact
        )
        select $1, $2::uuid, 'placed', now(), $3, $4, $5::uuid, $6::integer,
            jsonb_build_object('email', email)
        from accounts where id = $2::uuid
        returning id, number, status, placed_at, currency, total
    ),
    l as (
        insert into order_lines (
            order_id, position, variant_id, sku, title, options, quantity, unit_price, from_stock
        )
        select o.id, place, variant, sku, title, options, quantity, price, from_stock
        from o, rows from (jsonb_to_recordset($7::jsonb) as (
            variant bigint, sku text, title text, options jsonb, quantity integer, price bigint,
            from_stock boolean
        )) with ordinality
            as l (variant, sku, title, options, quantity, price, from_stock, place)
    ),
    e as (
        insert into events (kind, subject, at, data)
        select 'order.placed', 'order:' || number, placed_at, $8::jsonb from o
        returning id, kind, subject, at
    ),
    d as (
        insert into deliveries (event_id, webhook_id, subject, due_at)
        select e.id, webhooks.id, e.subject, e.at from e
        join webhooks on e.kind = any(webhooks.kinds) or webhooks.kinds = '{}'
    ),
    c as (
        update carts set lines = '[]', revision = $6, updated_at = now() where id = $5::uuid
    )
    select number, status, placed_at, currency, total from o
"""

ORDERS = """
    select o.number, o.status, o.placed_at, o.currency, o.total, (
        select jsonb_agg(jsonb_build_object(
            'sku', l.sku, 'title', l.title, 'options', l.options, 'quantity', l.quantity,
            'unit_price', l.unit_price
        ) order by l.position)
        from order_lines l where l.order_id = o.id
    ) as lines
    from orders o where o.account_id = $1 order by o.id desc limit $2
"""
