"""The table of metrics in `docs/operations.md`, made from the code, by `written`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import Counter, Histogram
from prometheus_client.core import Metric

from service import metrics
from service.app import create_app
from service.connections.registry import Bounds, Connections
from service.services import services_of
from service.settings import Settings
from tests.support.keys import KEY
from tests.support.serving import ROOT

PAGE = ROOT / "docs/operations.md"
BEGIN, END = "<!-- make docs: metrics -->\n\n", "\n<!-- end of metrics -->"
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


@dataclass(frozen=True, slots=True)
class Exposed:
    """A metric as its documentation says it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    doc: str

    @property
    def series(self) -> set[str]:
        """The names that its series have."""
        return {self.name + suffix for suffix in SUFFIXES[self.kind]}

    @property
    def shown(self) -> str:
        return self.name + ("_total" if self.kind == "counter" else "")


def exposed() -> list[Exposed]:
    """Return every metric of Locker's, by name."""
    return sorted(_find(), key=lambda each: each.name)


def _find() -> Iterator[Exposed]:
    for each in vars(metrics).values():
        if isinstance(each, Counter | Histogram):
            # The library shows labels nowhere else before they have values.
            yield Exposed(each._name, each._type, tuple(each._labelnames), each._documentation)
    settings = Settings(
        database_url="postgresql://db.example/shop",
        standby_url="postgresql://standby.example/shop",
        secret_key=KEY,
        allowed_hosts=("shop.example",),
        argon2=(64, 1, 1),
    )
    state = services_of(create_app(settings)).get(metrics.State)
    state.add(Connections(Bounds(1, 1, 1, 1, 1, 1, plain_http2=False)).metrics)
    # Without a database it is asked in vain, but says what it would tell.
    for family in asyncio.run(state.read()).collect():
        if isinstance(family, Metric) and type(family) is not Metric:
            labels = tuple(getattr(family, "_labelnames", ()))
            if family.name.startswith("locker_"):
                yield Exposed(family.name, family.type, labels, family.documentation)


def render() -> str:
    """Return the page with the table as it should be."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest[rest.index(END) :]
    rows = [
        f"| `{each.shown}` | {each.kind} | {', '.join(f'`{label}`' for label in each.labels)} "
        f"| {each.doc} |"
        for each in exposed()
    ]
    return (
        before
        + BEGIN
        + "\n".join(["| Metric | | by | |", "|---|---|---|---|", *rows])
        + "\n"
        + after
    )
