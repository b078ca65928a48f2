"""What older on-premises builds do."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.explore_servers.asked import SEARCHES
from tests.explore_servers.contents import Json
from tests.explore_servers.quirks import quirk
from tests.explore_servers.rewriting import (
    Parameters,
    Sent,
    answering,
    asking,
    rewriting,
    rewriting_clusters,
    rewriting_datasets,
    rewriting_previews,
)

_FILTERS = {"vql", "duplicate_threshold", *SEARCHES}
_OLDER_STATUSES = {"DRAFT": "NEW", "INDEXING": "PRE_PROCESSING", "ERROR": "FATAL_ERROR"}


@quirk
def gzip(app: ASGIApp) -> ASGIApp:
    """Answers are compressed for whoever accepts that, as long as they are worth it. Goes outside of all others."""
    return GZipMiddleware(app, minimum_size=500)


@quirk
def session_cookie(app: ASGIApp) -> ASGIApp:
    """Every answer sets a SESSION cookie and may be cached for an hour."""

    async def session(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                headers.append("set-cookie", "SESSION=MDEyMzQ1Njc4OQ; Path=/; HttpOnly")
                headers["cache-control"] = "max-age=3600"
                message = {**message, "headers": headers.raw}
            await send(message)

        await app(scope, receive, with_cookie)

    return session


@quirk
def ignores_filters(app: ASGIApp) -> ASGIApp:
    """Answers with all clusters, whatever `vql`, `duplicate_threshold` and the other filters ask."""

    def change(given: Parameters) -> Parameters:
        return {name: value for name, value in given.items() if name not in _FILTERS}

    return asking(app, change)


@quirk
def ignores_entity_type(app: ASGIApp) -> ASGIApp:
    """Answers about images, whatever is asked for."""
    return asking(app, lambda given: {**given, "entity_type": "IMAGES"})


@quirk
def fails_where_it_should_refuse(app: ASGIApp) -> ASGIApp:
    """500 where 422 is documented."""

    def change(sent: Sent) -> Sent:
        return Sent(sent.path, 500, b'{"detail": "Internal Server Error"}') if sent.status == 422 else sent

    return answering(app, change)


@quirk
def host_relative_thumbnails(app: ASGIApp) -> ASGIApp:
    """Thumbnails are paths on the server itself."""
    return rewriting_previews(app, lambda it: {**it, "media_thumb_uri": urlsplit(it["media_thumb_uri"]).path})


@quirk
def no_page_metadata(app: ASGIApp) -> ASGIApp:
    """Pages have no `metadata` block."""

    def change(answer: Json | None) -> Json | None:
        return answer and {name: value for name, value in answer.items() if name != "metadata"}

    return rewriting(app, change, "/explore/.+")


@quirk
def counts_nobody_keeps(app: ASGIApp) -> ASGIApp:
    """Clusters count objects, videos and frames as -1 where there are none, and say a few things that nobody asked."""

    def change(cluster: Json) -> Json:
        extra = {
            "size_display_value": str(cluster["n_images"]),
            "formed_by": "SIMILARITY",
            "relevance_score_type": None,
        }
        return {"n_objects": -1, "n_videos": -1, "n_frames": -1, **extra, **cluster}

    return rewriting_clusters(app, change)


@quirk
def older_statuses(app: ASGIApp) -> ASGIApp:
    """Datasets have the older field `status` alone, in its own words, spelled with underscores."""

    def change(dataset: Json) -> Json:
        status = _OLDER_STATUSES.get(dataset["status_new"], dataset["status_new"].replace(" ", "_"))
        return {"status": status, **{name: value for name, value in dataset.items() if name != "status_new"}}

    return rewriting_datasets(app, change)
