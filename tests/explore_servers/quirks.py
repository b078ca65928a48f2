"""Quirks of real and hostile servers, each an ASGI middleware with a name, so that any of them can be combined.

A quirk that changes what is asked or what is sent works around any application. One that changes what the server
*means* cannot be a wrapper: it is a switch, a middleware that only puts its name into the request's scope, where
`Explore` (service.py) looks for it; around another application it does nothing.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

Quirk = Callable[[ASGIApp], ASGIApp]

QUIRKS: dict[str, Quirk] = {}
_SWITCHES = "explore_servers.switches"


def quirk(make: Quirk) -> Quirk:
    """Registers a quirk under the name of its function."""
    QUIRKS[make.__name__] = make
    return make


def switch(name: str) -> None:
    """Registers a quirk that `Explore` carries out itself."""

    def make(app: ASGIApp) -> ASGIApp:
        async def switched(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, _SWITCHES: switches(scope) | {name}}, receive, send)

        return switched

    QUIRKS[name] = make


def switches(scope: MutableMapping[str, Any]) -> frozenset[str]:
    """The switches that are on for this request."""
    on: frozenset[str] = scope.get(_SWITCHES, frozenset())
    return on


def quirky(app: ASGIApp, *names: str) -> ASGIApp:
    """`app` with the quirks `names`, the first one outermost."""
    for name in reversed(names):
        app = QUIRKS[name](app)
    return app
