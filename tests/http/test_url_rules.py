"""Rules that compile what builds their URLs when it is first asked for."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart
from quart.routing import QuartRule
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from service import create_app
from service.http.url_rules import UrlRule
from service.settings import Settings

VALUE = "delete"
"""One that every converter takes: one of them knows five words."""

COMPILE = "_compile_builder"


def build(app: Quart, rule_class: type[QuartRule]) -> dict[tuple[str, bool], str]:
    """Return what each rule of the service builds, with its values and two more, said or not."""
    rules = [
        rule_class(rule.rule, endpoint=f"{number} {rule.endpoint}")
        for number, rule in enumerate(app.url_map.iter_rules())
    ]
    bound = Map(rules, converters=app.url_map.converters).bind("localhost")
    return {
        (endpoint, unknown): bound.build(
            endpoint,
            dict.fromkeys(rule.arguments, VALUE) | {"page": "a b", "self": "1"},
            append_unknown=unknown,
        )
        for rule in bound.map.iter_rules()
        for endpoint in (str(rule.endpoint),)
        for unknown in (False, True)
    }


def test_the_urls_are_those_of_quarts_rules(app: Quart) -> None:
    """Every rule of the service builds what Quart's own rule builds, query and all."""
    urls = build(app, UrlRule)
    assert len(urls) > 200
    assert urls == build(app, QuartRule)


def test_a_start_compiles_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that builds URLs is compiled while the application is made."""
    compiled: list[str] = []
    compile_builder = getattr(QuartRule, COMPILE)

    def count(rule: QuartRule, *unknown: bool) -> Any:
        compiled.append(rule.rule)
        return compile_builder(rule, *unknown)

    monkeypatch.setattr(QuartRule, COMPILE, count)
    app = create_app(settings)
    # Quart's own rule, for its folder of static files, is made before the service says which.
    assert len(compiled) <= 2
    compiled.clear()
    adapter = app.url_map.bind("localhost")
    with pytest.raises(HTTPException):
        adapter.match("/nowhere")
    assert compiled == []
    assert adapter.build("shop.show_shop", {}) == "/"
    assert compiled == ["/"]
