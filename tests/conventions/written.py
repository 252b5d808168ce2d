"""What `make docs` writes, and how a test says that it should be run."""

from __future__ import annotations

import asyncio
import difflib
import tempfile
from collections.abc import Callable
from pathlib import Path

import asyncpg

from service.devserver import PostgresServer
from service.migrations import migrate
from tests.conventions import (
    command_table,
    folder_map,
    metrics_table,
    prometheus_rule,
    settings_page,
    table_diagram,
)

WRITTEN: dict[str, tuple[Path, Callable[[], str]]] = {
    "settings": (settings_page.PAGE, settings_page.render),
    "commands": (command_table.PAGE, command_table.render),
    "folders": (folder_map.PAGE, folder_map.render),
    "metrics": (metrics_table.PAGE, metrics_table.render),
    "rules": (prometheus_rule.PAGE, prometheus_rule.render),
}
"""Each page, and what returns it with its part as it should be; one more needs a database."""


def check(page: Path, text: str) -> None:
    """Raise an AssertionError with what differs, if the page has another text."""
    there, wanted = page.read_text(), text
    difference = "\n".join(
        difflib.unified_diff(
            there.splitlines(), wanted.splitlines(), page.name, "as it should be", lineterm="", n=1
        )
    )
    assert there == wanted, f"run: make docs\n{difference}"


async def _draw_tables(url: str) -> None:
    db = await asyncpg.connect(url)
    await migrate(db)
    table_diagram.PAGE.write_text(await table_diagram.render(db))
    await db.close()


if __name__ == "__main__":
    for path, render in WRITTEN.values():
        path.write_text(render())
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer(Path(folder) / "postgres", durable=False) as server,
    ):
        asyncio.run(_draw_tables(server.dsn))
