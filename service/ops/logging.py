"""What is logged, and how: JSON, one object a line; in development a line to read.

The code logs with the standard library, and so do Hypercorn and asyncpg; structlog renders it.
"""

from __future__ import annotations

import logging
import sys
import textwrap
import traceback
from http import HTTPStatus
from typing import TextIO

import structlog
from quart import g, has_app_context
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from service.settings import Settings

PROBES = frozenset({"/livez", "/readyz"})
"""Asked every few seconds, all day: in the log they would hide the rest."""


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, which the next `configure_logging` replaces."""


def configure_logging(settings: Settings) -> None:
    """Log to standard error, from the level that the settings name. May be called again."""
    handler = _Handler(sys.stderr)
    handler.addFilter(_is_no_probe)
    if not settings.production:
        handler.addFilter(_is_no_file)
    handler.setFormatter(_formatter(settings))
    root = logging.getLogger()
    root.handlers = [
        *(other for other in root.handlers if not isinstance(other, _Handler)),
        handler,
    ]
    root.setLevel(settings.log_level)
    logging.captureWarnings(capture=True)


def is_logging_configured() -> bool:
    """Return whether something, of ours or not, already receives what is logged."""
    return logging.getLogger().hasHandlers()


def _formatter(settings: Settings) -> ProcessorFormatter:
    rendering: list[Processor] = (
        # Everything beyond ASCII is escaped, so whatever reads the log sees the same lines.
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
        if settings.production
        else [
            _escape,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_indented
            ),
        ]
    )
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_request_id,
        ],
        processors=[ProcessorFormatter.remove_processors_meta, *rendering],
    )


def _is_no_probe(record: logging.LogRecord) -> bool:
    return getattr(record, "path", None) not in PROBES


def _is_no_file(record: logging.LogRecord) -> bool:
    """Return whether it tells of something else than a file that was sent: a page has twenty."""
    path, status = getattr(record, "path", ""), getattr(record, "status", 0)
    return not (path.startswith("/static/") and status < HTTPStatus.BAD_REQUEST)


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Tell which request a line belongs to, also where the code that logs doesn't know."""
    if has_app_context() and "request_id" in g:
        event.setdefault("request_id", g.request_id)
    return event


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
