"""A stand-in for a real server: the Explore service behind the quirks that this server has."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.explore_servers.collection import Collection
from tests.explore_servers.quirks import quirky
from tests.explore_servers.service import Explore


@dataclass
class StandIn:
    """A server with its quirks by name, the first one outermost.

    `more_routes` may be added to, such as those of an export; `requests` are all that reached it, refused or not.
    """

    collections: Sequence[Collection]
    quirks: tuple[str, ...]
    more_routes: list[Route] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        collections: Sequence[Collection],
        usual: tuple[str, ...],
        more: tuple[str, ...],
        without: tuple[str, ...],
    ) -> "StandIn":
        """A server with its usual quirks but those `without`, and `more` around them."""
        unknown = set(without) - set(usual)
        assert not unknown, f"not among the usual quirks: {unknown}"
        return cls(collections, (*more, *(name for name in usual if name not in without)))

    def app(self) -> ASGIApp:
        """What to listen with."""
        app = quirky(Explore(self.collections, self.more_routes).app(), *self.quirks)

        async def overheard(scope: Scope, receive: Receive, send: Send) -> None:
            self.requests.append(Request(scope))
            await app(scope, receive, send)

        return overheard

    def asked(self, ending: str) -> list[dict[str, str]]:
        """The query parameters of every request whose path ends so."""
        return [dict(it.query_params) for it in self.requests if it.url.path.endswith(ending)]
