"""What is said of a wrong configuration, and how an error comes to the application's handlers."""

from __future__ import annotations

from inspect import signature
from typing import Any

from quart import Quart
from quart.globals import app_ctx


class Misconfigured(ValueError):
    """An argument, or a key of ``app.config``, can't be honoured; the text says what to set."""


async def handle(app: Quart, error: Exception) -> Any:
    """Return what the application's own handlers, or Quart, answer to an error.

    Raises the error where there is no answer to it.
    """
    # Quart 0.23 wants the context as well.
    context = [app_ctx._get_current_object()]  # noqa: SLF001
    handle: Any = app.handle_user_exception
    return await handle(*context[: len(signature(handle).parameters) - 1], error)
