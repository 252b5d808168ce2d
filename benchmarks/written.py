"""The tables and plots of docs/performance.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from .rounds import ROOT, Measured

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "pictures" / "performance.svg"
BEGIN, END = "<!-- written by make bench -->", "<!-- until here -->"


def write(said: Sequence[str], journeys: Mapping[str, Sequence[Measured]]) -> None:
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    picture = f"![Processor time of each request]({PLOT.relative_to(PAGE.parent)})\n"
    PAGE.write_text("\n".join([before + BEGIN, *said, picture, END + after]))
    _draw(journeys, PLOT)


def _draw(journeys: Mapping[str, Sequence[Measured]], path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - it alone is only in the environment of `make bench`

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "locker"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after it was told where it draws

    names = list(journeys)[::-1]
    server = [median(each.round.server for each in journeys[name]) for name in names]
    database = [median(each.round.database for each in journeys[name]) for name in names]
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.2), layout="constrained")
    axes.barh(names, server, label="server", color="#2f6f5e")
    axes.barh(names, database, left=server, label="PostgreSQL", color="#b9c7c2")
    axes.set_xlabel("processor time, µs a request of the journey")
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    path.write_text(re.sub(r"[ \t]+$", "", path.read_text(), flags=re.MULTILINE))
