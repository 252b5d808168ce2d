"""What operators need: is it alive, is it ready, what does it log."""

from .backlog import read_backlogs
from .draining import Draining, is_draining, start_draining
from .exporter import init_app as init_metrics
from .logging import configure_logging, is_logging_configured
from .logging import init_app as init_logging

__all__ = [
    "Draining",
    "configure_logging",
    "init_logging",
    "init_metrics",
    "is_draining",
    "is_logging_configured",
    "read_backlogs",
    "start_draining",
]
