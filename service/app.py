"""The wiring, top to bottom."""

from __future__ import annotations

from functools import partial

from quart import Quart

from . import (
    accounts,
    connections,
    database,
    logins,
    metrics,
    pages,
    services,
    standby,
    throttling,
    tracing,
)
from .accounts.account_pages import blueprint as account_pages
from .accounts.api import blueprint as accounts_api
from .accounts.logins_api import blueprint as logins_api
from .accounts.pages import blueprint as accounts_pages
from .accounts.pages import load_page_context
from .accounts.session import AccountLogins
from .carts.api import blueprint as carts_api
from .carts.pages import blueprint as carts_pages
from .carts.session import promise_cart
from .catalogue import HeldCatalogue
from .catalogue.admin_api import blueprint as catalogue_admin_api
from .catalogue.admin_pages import blueprint as catalogue_admin_pages
from .catalogue.api import blueprint as catalogue_api
from .catalogue.api import make_ready
from .catalogue.pages import blueprint as catalogue_pages
from .customers.admin_api import blueprint as customers_admin_api
from .customers.admin_pages import blueprint as customers_admin_pages
from .customers.api import blueprint as customers_api
from .http import middleware, openapi, operators
from .http.url_rules import UrlRule
from .locker_page.pages import init_app as init_locker_page
from .ops import (
    Draining,
    configure_logging,
    init_logging,
    init_metrics,
    is_logging_configured,
    read_backlogs,
)
from .ops.api import blueprint as ops_api
from .orders.admin_api import blueprint as orders_admin_api
from .orders.admin_pages import blueprint as orders_admin_pages
from .orders.api import blueprint as orders_api
from .orders.checkout_pages import blueprint as checkout_pages
from .orders.pages import blueprint as orders_pages
from .preferences.api import blueprint as preferences_api
from .preferences.pages import blueprint as preferences_pages
from .sessions import ShopSessions
from .settings import Settings
from .webhooks.admin_pages import blueprint as webhooks_admin_pages

API = "/api/v1"

COUNTER = (
    pages.CounterPage("Today", "", orders_admin_pages),
    pages.CounterPage("Orders", "/orders", orders_admin_pages),
    pages.CounterPage("Stock", "/stock", catalogue_admin_pages),
    pages.CounterPage("Customers", "/customers", customers_admin_pages),
    pages.CounterPage("Webhooks", "/webhooks", webhooks_admin_pages),
    pages.CounterPage("Audit", "/audit", customers_admin_pages),
)
"""The operators' pages, in the order of their navigation."""


def create_app(settings: Settings | None = None) -> Quart:
    """Return the service; without settings it reads them from the environment.

    Raises `SettingsError` when they don't allow a start.
    """
    settings = settings or Settings.from_env()
    if not is_logging_configured():
        configure_logging(settings)
    app = Quart("service")
    app.url_rule_class = UrlRule
    init_logging(app, settings)
    tracer = tracing.start_tracing(settings)
    pool = database.init_app(app, settings, tracer)
    hasher = accounts.Hasher(settings, connections.give_way, tracer)
    second = standby.init_app(app, settings, pool, tracer)
    held = HeldCatalogue(settings, make_ready)
    state = metrics.State()
    state.add(partial(database.pool_metrics, pool))
    state.add(second.metrics)
    state.add(hasher.metrics)
    state.add(held.metrics)
    state.add_asked(partial(read_backlogs, app))
    services.init_app(
        app,
        settings,
        pool,
        second,
        hasher,
        held,
        state,
        throttling.Throttle(settings),
        Draining(),
    ).add(tracer, tracing.Tracer)
    app.before_serving(hasher.open)
    app.after_serving(hasher.close)
    app.before_serving(held.open)
    app.after_serving(held.close)
    # Quart itself wants a key here; the sessions' own keys are with their signers.
    app.secret_key = settings.secret_key
    ShopSessions(settings).init_app(app)
    tracer.init_app(app)
    middleware.init_app(app, settings, pages.error_page)
    logins.SessionAuth(app, AccountLogins())

    for api in (
        catalogue_api,
        carts_api,
        accounts_api,
        logins_api,
        preferences_api,
        orders_api,
        customers_api,
    ):
        app.register_blueprint(api, url_prefix=API)
    for admin_api in (orders_admin_api, catalogue_admin_api, customers_admin_api):
        app.register_blueprint(admin_api, url_prefix=operators.AREA)
    app.after_request(promise_cart)
    app.register_blueprint(ops_api)
    init_metrics(app, settings)
    pages.init_app(app, load_page_context)
    for shop_pages in (
        catalogue_pages,
        carts_pages,
        accounts_pages,
        account_pages,
        preferences_pages,
        checkout_pages,
        orders_pages,
    ):
        app.register_blueprint(shop_pages)
    if settings.admin_pages:
        pages.init_counter(app, COUNTER)
    if settings.locker_page or not settings.production:
        init_locker_page(app)
    if settings.docs:
        openapi.init_app(app)
    connections.init_app(app, settings, state)
    return app
