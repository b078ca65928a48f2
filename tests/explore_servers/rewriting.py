"""Middleware that changes a question on its way in, or an answer on its way out."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Parameters = dict[str, str]


@dataclass(frozen=True)
class Sent:
    """An answer before it leaves: its path is the question's."""

    path: str
    status: int
    body: bytes


def asking(app: ASGIApp, change: Callable[[Parameters], Parameters]) -> ASGIApp:
    """`app` as it answers the parameters that `change` makes of those it was sent."""

    async def changed(scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        await app({**scope, "query_string": urlencode(change(given)).encode()}, receive, send)

    return changed


def answering(app: ASGIApp, change: Callable[[Sent], Sent]) -> ASGIApp:
    """`app` with its answers changed. What compresses or streams them goes outside."""

    async def changed(scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            headers = MutableHeaders(raw=list(start["headers"]))
            assert "content-encoding" not in headers, "an answer is changed before it is compressed: put gzip first"
            sent = change(Sent(scope["path"], start["status"], bytes(body)))
            headers["content-length"] = str(len(sent.body))
            await send({**start, "status": sent.status, "headers": headers.raw})
            await send({"type": "http.response.body", "body": sent.body})

        await app(scope, receive, keep)

    return changed


def rewriting(app: ASGIApp, change: Callable[[Any], Any], where: str = "") -> ASGIApp:
    """`app` with `change` made to the JSON of good answers: of those whose path ends as the expression `where` says."""

    def rewritten(sent: Sent) -> Sent:
        if sent.status != 200 or not re.search(f"{where}$", sent.path):
            return sent
        return Sent(sent.path, sent.status, json.dumps(change(json.loads(sent.body))).encode())

    return answering(app, rewritten)


def rewriting_clusters(app: ASGIApp, change: Callable[[dict[str, Any]], dict[str, Any]]) -> ASGIApp:
    """`app` with `change` made to each cluster, of a page or by itself."""

    def rewritten(answer: Any) -> Any:
        if answer is None:
            return None
        if "clusters" in answer:
            return {**answer, "clusters": [change(cluster) for cluster in answer["clusters"]]}
        return change(answer) if "previews" in answer else answer

    return rewriting(app, rewritten, "/explore/.+")


def rewriting_previews(app: ASGIApp, change: Callable[[dict[str, Any]], dict[str, Any]]) -> ASGIApp:
    """`app` with `change` made to each preview of each cluster."""
    return rewriting_clusters(app, lambda it: {**it, "previews": [change(preview) for preview in it["previews"]]})


def rewriting_datasets(app: ASGIApp, change: Callable[[dict[str, Any]], dict[str, Any]]) -> ASGIApp:
    """`app` with `change` made to each dataset, listed or by itself."""

    def rewritten(answer: Any) -> Any:
        return [change(dataset) for dataset in answer] if isinstance(answer, list) else change(answer)

    return rewriting(app, rewritten, "/(datasets|dataset/[^/]+)")
