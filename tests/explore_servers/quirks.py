"""Quirks of real and hostile servers, each an ASGI middleware with a name, so that any of them can be combined."""

from collections.abc import Callable

from starlette.types import ASGIApp

Quirk = Callable[[ASGIApp], ASGIApp]

QUIRKS: dict[str, Quirk] = {}


def quirk(make: Quirk) -> Quirk:
    """Registers a quirk under the name of its function."""
    QUIRKS[make.__name__] = make
    return make


def quirky(app: ASGIApp, *names: str) -> ASGIApp:
    """`app` with the quirks `names`, the first one outermost."""
    for name in reversed(names):
        app = QUIRKS[name](app)
    return app
