"""The calls around clusters that not every server has: their members, and the export of a dataset."""

import io
import json
import zipfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.explore_servers.contents import Json
from tests.explore_servers.hearing import listening
from tests.explore_servers.server import Server
from tests.explore_servers.stand_in import StandIn

_MEMBERS_A_PAGE = 100


def exported(name: str, group: str | None = None, confidence: Any = 0.99, **extra: Any) -> Json:
    """One of `media_items`, in a duplicate group or in none."""
    issue = {"type": "issue", "issue_type": "duplicates", "confidence": confidence, "duplicate_group_id": group}
    return {
        "media_id": f"id-of-{name}",
        "media_type": "image",
        "file_name": name.rsplit("/", 1)[-1],
        "file_path": name,
        "file_size": "13.81KB",
        "width": 640,
        "height": 480,
        "url": f"https://pictures.example/{name}",
        "cluster_id": None,
        "metadata_items": [{"type": "issue", "issue_type": "blur", "confidence": 0.5}, *([issue] if group else [])],
        **extra,
    }


def document(items: Sequence[Any], **info: Any) -> bytes:
    """The JSON file of an export."""
    head = {"schema_version": "1.1", "dataset": "pets", "total_media_items": len(items), **info}
    return json.dumps({"info": head, "media_items": list(items)}).encode()


def zipped(content: bytes, *names: str, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive that holds `content` under each of `names`, by default once."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as archive:
        for name in names or ("metadata.json",):
            archive.writestr(name, content)
    return packed.getvalue()


@dataclass
class Exporting:
    """The export of the one dataset of a server: `file`, behind a link to another server.

    It is done at poll number `polls` and then has the status `end`, with `message`. `link` replaces the link.
    """

    file: bytes = b""
    polls: int = 2
    end: str = "COMPLETED"
    message: str | None = None
    link: str | None = None
    started: list[Request] = field(default_factory=list)
    polled: list[Request] = field(default_factory=list)
    fetched: list[Request] = field(default_factory=list)
    _storage: str = ""

    def routes(self) -> list[Route]:
        """The calls of the API."""
        return [
            Route("/api/v1/dataset/{id}/export_context_async", self._start),
            Route("/api/v1/dataset/{id}/export_status", self._status),
        ]

    @contextmanager
    def listening(self, server: Server | StandIn) -> Generator[str]:
        """`server` with these calls, and next to it the one that the link leads to; gives the base URL."""
        storage = Starlette(routes=[Route("/signed/{name}", self._signed), Route("/kept/{name}", self._kept)])
        server.more_routes += self.routes()
        with listening(storage) as self._storage, listening(server.app()) as url:
            yield url

    async def _start(self, request: Request) -> Response:
        self.started.append(request)
        asked = dict(request.query_params)
        if asked["export_format"] != "json" or not asked["file_name"].endswith(".zip"):
            return JSONResponse({"detail": "bad parameters"}, 422)
        answer = JSONResponse({"id": f"task-{len(self.started)}"})
        answer.set_cookie("SESSION", "of-the-api")
        return answer

    async def _status(self, request: Request) -> Response:
        self.polled.append(request)
        if request.query_params["export_task_id"] != f"task-{len(self.started)}":
            return JSONResponse({"detail": "no such task"}, 404)
        if len(self.polled) < self.polls:
            return JSONResponse({"status": "IN_PROGRESS", "download_uri": None})
        link = self.link or f"{self._storage}/signed/export.zip?X-Signature=secret-of-the-link"
        return JSONResponse(
            {
                "status": self.end,
                "download_uri": link if self.end == "COMPLETED" else None,
                "result_message": self.message,
            }
        )

    async def _signed(self, request: Request) -> Response:
        self.fetched.append(request)
        return _refused(request) or RedirectResponse(f"/kept/export.zip?{request.url.query}", 302)

    async def _kept(self, request: Request) -> Response:
        self.fetched.append(request)
        return _refused(request) or Response(self.file, media_type="application/zip")


def _refused(request: Request) -> Response | None:
    """As object stores do: only one way to be authorised is allowed."""
    if "authorization" in request.headers or "cookie" in request.headers or "X-Signature" not in request.query_params:
        return Response("<Error/>", 400, media_type="application/xml")
    return None


@dataclass
class Members:
    """`similarity_cluster` for clusters whose members are given, by cluster id; `null` for others and past the end."""

    of: dict[str, Json] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def cluster(self, whole: Json, members: Sequence[Json]) -> Json:
        """Serve `members` of `whole`; gives `whole` back."""
        self.of[whole["cluster_id"]] = {**whole, "previews": list(members)}
        return whole

    def routes(self) -> list[Route]:
        """The call of the API."""
        return [Route("/api/v1/explore/{id}/similarity_cluster/{cluster}", self._answer)]

    async def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        whole = self.of.get(request.path_params["cluster"])
        start = int(request.query_params["page_number"]) * _MEMBERS_A_PAGE
        if whole is None or start >= len(whole["previews"]):
            return JSONResponse(None)
        return JSONResponse({**whole, "previews": whole["previews"][start : start + _MEMBERS_A_PAGE]})
