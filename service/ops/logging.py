"""What is logged, and how: JSON, one object a line; in development a line to read.

The code logs with the standard library, and so do Hypercorn and asyncpg. In production a line is
made in one step, and while the application serves it is written by a thread; in development
structlog renders it.
"""

from __future__ import annotations

import json
import logging
import sys
import textwrap
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TextIO

import structlog
from quart import Quart, g, has_app_context, has_request_context, request
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, ExcInfo, WrappedLogger

from service.settings import Settings
from service.tracing import read_trace_id

from .log_writer import LogWriter

LogLine = MutableMapping[str, Any]

PROBES = frozenset({"/livez", "/readyz"})
"""Asked every few seconds, all day: in the log they would hide the rest."""


_OF_ANY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What a record has beside what the code that logs adds to it."""


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, which the next `configure_logging` replaces."""

    _writer: LogWriter | None = None

    def write_aside(self) -> None:
        """Have lines written by a thread from now on, until it is closed."""
        if self._writer is None:
            self._writer = LogWriter(self.stream.fileno())

    def emit(self, record: logging.LogRecord) -> None:
        if self._writer is None:
            super().emit(record)
            return
        try:
            line = self.format(record)
            self._writer.put(f"{line}\n".encode())
        except Exception:  # noqa: BLE001 - as logging does: no line is worth a failure
            self.handleError(record)

    def flush(self) -> None:
        super().flush()
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Write what there is; lines that still come are written at once."""
        self.acquire()
        writer, self._writer = self._writer, None
        self.release()
        if writer is not None:
            writer.close()
        super().close()


class _JSONFormatter(logging.Formatter):
    """A JSON object, in which everything beyond ASCII is escaped.

    So whatever reads the log sees the same lines.
    """

    _encode = json.JSONEncoder(sort_keys=True, default=repr).encode

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack_info"] = record.stack_info
        about = record.__dict__
        for name in about.keys() - _OF_ANY_RECORD:
            line[name] = about[name]
        at = datetime.fromtimestamp(record.created, UTC)
        line["timestamp"] = at.isoformat().replace("+00:00", "Z")
        return self._encode(_add_ids(line))


def configure_logging(settings: Settings) -> None:
    """Log to standard error, from the level that the settings name. May be called again."""
    handler = _Handler(sys.stderr)
    handler.addFilter(_is_no_probe)
    if not settings.production:
        handler.addFilter(_is_no_file)
    handler.setFormatter(_JSONFormatter() if settings.production else _console())
    root = logging.getLogger()
    for before in _handlers():
        root.removeHandler(before)
        before.close()
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(capture=True)


def is_logging_configured() -> bool:
    """Return whether something, of ours or not, already receives what is logged."""
    return logging.getLogger().hasHandlers()


def init_app(app: Quart, settings: Settings) -> None:
    """Let no request wait for whoever takes the log: while it serves, a thread writes it.

    In development lines are written at once, between what else is on the terminal.
    """
    if settings.production:
        app.before_serving(_write_aside)
        app.after_serving(_write_at_once)


async def _write_aside() -> None:
    for handler in _handlers():
        handler.write_aside()


async def _write_at_once() -> None:
    for handler in _handlers():
        handler.close()


def _handlers() -> list[_Handler]:
    return [each for each in logging.getLogger().handlers if isinstance(each, _Handler)]


def _console() -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _note_ids,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            _escape,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_indented
            ),
        ],
    )


def _is_no_probe(record: logging.LogRecord) -> bool:
    return getattr(record, "path", None) not in PROBES


def _is_no_file(record: logging.LogRecord) -> bool:
    """Return whether it tells of something else than a file that was sent: a page has twenty."""
    path, status = getattr(record, "path", ""), getattr(record, "status", 0)
    return not (path.startswith("/static/") and status < HTTPStatus.BAD_REQUEST)


def _add_ids(line: LogLine) -> LogLine:
    """Tell which request and trace a line belongs to, where the code that logs doesn't know."""
    if "request_id" not in line and has_app_context() and "request_id" in g:
        line["request_id"] = g.request_id
    if "trace_id" not in line and has_request_context():
        trace_id = read_trace_id(request.scope)
        if trace_id:
            line["trace_id"] = trace_id
    return line


def _note_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return _add_ids(event)


def _escape(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Show what can't be printed as an escape.

    Line breaks, which would forge a line; the terminal's control sequences; lone surrogates.
    """
    return {
        key: _printable(value) if isinstance(value, str) else value for key, value in event.items()
    }


def _printable(text: str) -> str:
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def _indented(stream: TextIO, exc_info: ExcInfo) -> None:
    """A traceback whose lines can't be taken for log lines, as none begins at the margin."""
    lines = "".join(traceback.format_exception(*exc_info)).splitlines()
    stream.write("\n" + textwrap.indent("\n".join(map(_printable, lines)), "    ", bool))
