"""The application's rules of URLs, which cost its start less."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from quart.routing import QuartRule


class UrlRule(QuartRule):
    """A rule that learns how to build its URL when the first one is built.

    Werkzeug compiles two functions for each rule as it is bound, three quarters of what making
    the application takes; most processes use a few of them. What they build is the same.
    """

    def _compile_builder(  # the name and form are Werkzeug's
        self,
        append_unknown: bool = True,  # noqa: FBT001, FBT002 - as there
    ) -> Callable[..., tuple[str, str]]:
        compiled = cache(partial(super()._compile_builder, append_unknown))

        def build(rule: UrlRule, /, **values: object) -> tuple[str, str]:
            return compiled()(rule, **values)

        return build
