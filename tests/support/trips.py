"""What the metrics say of waits for the database."""

from __future__ import annotations

from service import metrics


def counted_trips(route: str | None = None) -> float:
    """Return how often requests have waited for the database so far, of one route or of all."""
    samples = [sample for family in metrics.round_trips.collect() for sample in family.samples]
    return sum(
        sample.value
        for sample in samples
        if sample.name.endswith("_total") and route in {None, sample.labels.get("route")}
    )
