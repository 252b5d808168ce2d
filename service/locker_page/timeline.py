"""A picture of visits over time, as numbers for an SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .watch import WatchedVisit

WIDTH = 840
ROW = 20
"""The height of a row, in the units of its drawing; the name stands beside or above it."""
BREAK = 14
"""What is left of a time in which nothing happened."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time, placed."""

    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit: the whole of it, and when it held which connection."""

    name: str
    whole: Bar
    holds: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows, the newest last, each a drawing of this size.

    ``breaks`` is where idle time was left out.
    """

    rows: tuple[VisitRow, ...]
    breaks: tuple[float, ...]
    width: int = WIDTH
    height: int = ROW


def draw(visits: Sequence[WatchedVisit], now: float) -> Timeline:
    """Return the picture. Visits that overlapped stand one below the other."""
    spans = _busy([(visit.started, _end(visit, now)) for visit in visits])
    place, breaks = _scale(spans)

    def bar(start: float, end: float, label: str) -> Bar:
        left = place(start)
        return Bar(round(left, 1), round(max(place(end) - left, 1.5), 1), label)

    rows = []
    for visit in visits:
        end = _end(visit, now)
        rows.append(
            VisitRow(
                f"{visit.method} {visit.route} {visit.status or ''}".strip(),
                bar(visit.started, end, _milliseconds(visit.started, end)),
                tuple(
                    bar(
                        hold.since,
                        hold.until or now,
                        f"backend {hold.backend}, {_milliseconds(hold.since, hold.until or now)}",
                    )
                    for hold in visit.holds
                ),
            )
        )
    return Timeline(tuple(rows), tuple(breaks))


def _end(visit: WatchedVisit, now: float) -> float:
    ends = [hold.until or now for hold in visit.holds]
    return max([visit.ended or now, *ends])


def _milliseconds(start: float, end: float) -> str:
    return f"{(end - start) * 1000:.1f} ms"


def _busy(times: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the stretches in which something happened."""
    spans: list[tuple[float, float]] = []
    for start, end in sorted(times):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _scale(spans: Sequence[tuple[float, float]]) -> tuple[Callable[[float], float], list[float]]:
    """Return where a moment is drawn, and where the breaks are."""
    total = sum(end - start for start, end in spans) or 1.0
    factor = (WIDTH - BREAK * max(len(spans) - 1, 0)) / total
    offsets, x = [], 0.0
    for start, end in spans:
        offsets.append(x)
        x += (end - start) * factor + BREAK

    def place(moment: float) -> float:
        for (start, end), offset in zip(spans, offsets, strict=True):
            if moment <= end:
                return offset + max(moment - start, 0.0) * factor
        return float(WIDTH)

    return place, [offset - BREAK / 2 for offset in offsets[1:]]
