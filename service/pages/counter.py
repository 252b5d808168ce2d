"""The pages of those behind the counter: what there is, in one navigation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from quart import Blueprint, Quart

from service.http.operators import PAGES


class CounterPage(NamedTuple):
    """A line of the navigation: its name, its path below ``/admin``, and whose views it has."""

    name: str
    path: str
    blueprint: Blueprint


def init_counter(app: Quart, entries: Iterable[CounterPage]) -> None:
    """Register the operators' pages, and have each of them show where the others are."""
    entries = list(entries)
    for blueprint in dict.fromkeys(entry.blueprint for entry in entries):
        app.register_blueprint(blueprint, url_prefix=PAGES)
    links = [(entry.name, f"{PAGES}{entry.path}") for entry in entries]
    app.jinja_env.globals.update(counter=links)
