"""`locker settings`."""

from __future__ import annotations

import dataclasses

import click

from service.settings import PREFIX, Limit, Settings, sources

from .output import echo_json, echo_table, json_option

HIDDEN = "(hidden)"


@click.command()
@json_option
def settings(*, as_json: bool) -> None:
    """Print the settings in force, and where each comes from. Shows no secrets."""
    ours = Settings.from_env()
    origins = sources(ours)
    values = {
        field.name: getattr(ours, field.name) if field.repr else HIDDEN
        for field in dataclasses.fields(ours)
    }
    if as_json:
        for name, value in values.items():
            shown = str(value) if isinstance(value, Limit) else value
            echo_json({"name": PREFIX + name.upper(), "value": shown, "source": origins[name]})
        return
    rows = [
        (PREFIX + name.upper(), origins[name], _written(value)) for name, value in values.items()
    ]
    echo_table(("SETTING", "FROM", "VALUE"), rows, "No settings.")


def _written(value: object) -> str:
    """Return a value as the environment would have it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)
