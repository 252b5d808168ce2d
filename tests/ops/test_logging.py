"""One line for each thing that is logged, whatever is in it."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import httpx
import pytest
from quart import Quart, g

from service.ops import configure_logging, is_logging_configured
from service.settings import Settings
from tests.support.serving import serve

Read = Callable[[], list[str]]

HOSTILE = "/\n\r\x1b[2J\x00\x7f\x85\u2028\u202e\ud800/end"


@pytest.fixture(params=["production", "development"])
def either(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings for production, and for development."""
    return replace(settings, environment=request.param, secure_cookies=True)


@pytest.fixture
def read(as_before: None, capfd: pytest.CaptureFixture[str]) -> Read:
    """What was written to standard error since, by line as a terminal breaks them."""

    def read() -> list[str]:
        return capfd.readouterr().err.splitlines()

    return read


def log_request(path: str = "/cart") -> None:
    logging.getLogger("service.http.record").info(
        "request", extra={"method": "GET", "path": path, "status": 200, "request_id": "abc"}
    )


def test_production_is_json(production: Settings, read: Read) -> None:
    """In production a line is a JSON object with everything the code gave."""
    configure_logging(production)
    log_request()
    (line,) = read()
    logged = json.loads(line)
    assert logged.pop("timestamp").endswith("Z")
    logged.pop("message", None)  # left on the record by pytest's own handler
    assert logged == {
        "event": "request",
        "level": "info",
        "logger": "service.http.record",
        "method": "GET",
        "path": "/cart",
        "status": 200,
        "request_id": "abc",
    }


def test_development_is_for_people(settings: Settings, read: Read) -> None:
    """In development a line reads well, and has the same in it."""
    configure_logging(settings)
    log_request()
    (line,) = read()
    for part in ("info", "request", "method=GET", "path=/cart", "status=200", "request_id=abc"):
        assert part in line


def test_no_forged_line(either: Settings, read: Read) -> None:
    """No character of a path, a message or its arguments begins a line or steers a terminal."""
    configure_logging(either)
    log_request(HOSTILE)
    logging.getLogger("other").warning(HOSTILE)
    logging.getLogger("other").warning("about %s", HOSTILE)
    lines = read()
    assert len(lines) == 3
    for line in lines:
        assert "end" in line
        assert line.isprintable()


def test_no_forged_line_in_tracebacks(either: Settings, read: Read) -> None:
    """An exception's text forges no line: only the line itself begins at the margin."""
    configure_logging(either)
    logging.getLogger("other").error("failed", exc_info=ValueError(HOSTILE))
    first, *rest = read()
    assert "failed" in first
    assert any("ValueError" in line for line in (first, *rest))
    for line in rest:
        assert line.startswith(" ")
        assert line.isprintable()


def test_exception_is_one_line(production: Settings, read: Read) -> None:
    """In production a traceback is part of its line."""
    configure_logging(production)
    logging.getLogger("other").error("failed", exc_info=ValueError("broken"))
    (line,) = read()
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_configured_twice(production: Settings, read: Read) -> None:
    """Configuring again replaces, so a line comes once."""
    configure_logging(production)
    configure_logging(production)
    log_request()
    assert len(read()) == 1


def test_others_stay(production: Settings, as_before: None) -> None:
    """Whoever listened before still does."""
    root = logging.getLogger()
    root.handlers = []
    assert not is_logging_configured()
    other = logging.NullHandler()
    root.addHandler(other)
    assert is_logging_configured()
    configure_logging(production)
    assert other in root.handlers
    assert len(root.handlers) == 2


def test_level(production: Settings, read: Read) -> None:
    """Less than the level in the settings is not logged."""
    configure_logging(replace(production, log_level="WARNING"))
    log_request()
    logging.getLogger("asyncpg").warning("odd")
    (line,) = read()
    assert json.loads(line)["event"] == "odd"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_are_not_logged(production: Settings, read: Read, path: str) -> None:
    """What is asked every few seconds does not fill the log."""
    configure_logging(production)
    log_request(path)
    assert read() == []


@pytest.mark.parametrize(("status", "logged"), [(200, False), (304, False), (404, True)])
def test_files_of_a_page_are_not_logged_in_development(
    settings: Settings, read: Read, status: int, *, logged: bool
) -> None:
    """A page is one line on the terminal, not one for each of its files; a missing file is said."""
    configure_logging(settings)
    for path in ("/static/shop.css", "/static/"):
        logging.getLogger("service.http.middleware").info(
            "request", extra={"path": path, "status": status}
        )
    assert len(read()) == 2 * logged


async def test_request_id_everywhere(production: Settings, read: Read) -> None:
    """Every line of a request has its id, also where the code that logs knows of none."""
    configure_logging(production)
    async with Quart(__name__).app_context():
        g.request_id = "abc"
        logging.getLogger("asyncpg").warning("odd")
    (line,) = read()
    assert json.loads(line)["request_id"] == "abc"


async def test_trace_id_without_tracing(production: Settings, read: Read) -> None:
    """Every line of a request has the id of the trace that the request says it belongs to."""
    configure_logging(production)
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    async with Quart(__name__).test_request_context("/", headers=headers):
        logging.getLogger("asyncpg").warning("odd")
    (line,) = read()
    assert json.loads(line)["trace_id"] == trace_id


def test_warnings(production: Settings, read: Read) -> None:
    """Python's warnings are lines like any other."""
    configure_logging(production)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning("old", DeprecationWarning, "somewhere.py", 1)
    (line,) = read()
    assert "DeprecationWarning: old" in json.loads(line)["event"]


@pytest.mark.parametrize("program", ["hypercorn", "locker"])
def test_served(production: Settings, program: Literal["hypercorn", "locker"]) -> None:
    """Served either way everything written is JSON, Hypercorn's own lines included, and once."""
    with serve(production, program=program, drain_time=0) as served:
        httpx.get(f"{served.url}/nothing%0A%1B")
        served.stop()
        logged: list[dict[str, Any]] = [json.loads(line) for line in served.log().splitlines()]
    assert [line["logger"] for line in logged] == ["hypercorn.error", "service.http.record"]
    assert logged[1]["path"] == "/nothing\n\x1b"
