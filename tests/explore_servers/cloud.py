"""The documented cloud."""

import zlib

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.explore_servers import tokens
from tests.explore_servers.asked import Refused
from tests.explore_servers.collection import Collection
from tests.explore_servers.contents import Json
from tests.explore_servers.quirks import quirk
from tests.explore_servers.rewriting import rewriting_previews
from tests.explore_servers.stand_in import StandIn


@quirk
def requires_entity_type(app: ASGIApp) -> ASGIApp:
    """422 for a question about clusters that does not say images or objects."""
    missing = Refused("missing", ("query", "entity_type"), "Field required", None)

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if "/explore/" in scope["path"] and "entity_type" not in QueryParams(scope["query_string"]):
            await JSONResponse({"detail": missing.detail}, 422)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return checked


@quirk
def sizes_for_half(app: ASGIApp) -> ASGIApp:
    """Half of the previews come without `width` and `height`."""

    def change(preview: Json) -> Json:
        if zlib.crc32(preview["media_id"].encode()) % 2:
            return preview
        return {name: value for name, value in preview.items() if name not in {"width", "height"}}

    return rewriting_previews(app, change)


CLOUD = (tokens.bearer_token.__name__, requires_entity_type.__name__, sizes_for_half.__name__)


def cloud(*collections: Collection, more: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> StandIn:
    """The cloud, with quirks taken away and others around it. Only a token of `tokens.KEY` is let in."""
    return StandIn.of(collections, CLOUD, more, without)
