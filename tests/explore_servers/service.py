"""An Explore server over collections: every documented call, with every filter honoured."""

import random
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.explore_servers.asked import Question, Refused, dataset_id, question
from tests.explore_servers.collection import Collection, Entities, Group, Picture, in_order
from tests.explore_servers.contents import Json, cluster, dataset, image
from tests.explore_servers.quirks import switch, switches

PAGE = 100
BROWSABLE = {"READY", "READ ONLY", "PARTIAL INDEX"}

for _name in (
    "labels_as_counts",
    "older_counts",
    "only_filters",
    "serves_healthcheck",
    "serves_members",
    "shuffles_equals",
    "thresholds_and_bytes",
):
    switch(_name)


@dataclass(frozen=True)
class Explore:
    """The service, with `more_routes` beside its own. Its switches, each a name in QUIRKS:

    labels_as_counts: clusters carry `labels` as {name: count}, else null ·
    older_counts: exploration_metadata in its older form ·
    only_filters: `duplicates` and `uniqueness` merely filter the similarity clusters: same ids, fewer images ·
    serves_healthcheck: the undocumented call is there ·
    serves_members: similarity_cluster exists, 100 previews a page, and is null past the end or for an unknown cluster ·
    shuffles_equals: clusters of one size come in another order at each request ·
    thresholds_and_bytes: datasets name their granularity levels, and their size.
    """

    collections: Sequence[Collection]
    more_routes: Sequence[Route] = ()
    draw: random.Random = field(default_factory=lambda: random.Random(7))

    def app(self) -> Starlette:
        """Under /api/v1."""
        calls: dict[str, Callable[[Request], Any]] = {
            "healthcheck": _health,
            "datasets": lambda request: [_described(it, request) for it in self.collections],
            "dataset/{id}": lambda request: _described(self._collection(request), request),
            "explore/{id}": self._page,
            "explore/{id}/exploration_metadata": self._count,
            "explore/{id}/similarity_cluster/{cluster}": self._members,
        }
        return Starlette(
            routes=[*self.more_routes, *(Route(f"/api/v1/{path}", _endpoint(call)) for path, call in calls.items())],
            exception_handlers={HTTPException: _failed, Refused: _refused},
        )

    def _collection(self, request: Request) -> Collection:
        wanted = dataset_id(request.path_params["id"])
        for collection in self.collections:
            if collection.id == wanted:
                return collection
        raise HTTPException(404, "Dataset not found")

    def _found(self, request: Request) -> tuple[Question, Sequence[Group]]:
        collection = self._collection(request)
        asked = question(request.query_params)
        if _described(collection, request)["status_new"] not in BROWSABLE:
            raise HTTPException(409, "Dataset is not in READY state")
        if collection.breaks:
            raise HTTPException(500, "Internal Server Error")
        entities = collection.entities(asked.entity_type)
        merely_filters = "only_filters" in switches(request.scope)
        return asked, () if entities is None else _groups(entities, asked, merely_filters=merely_filters)

    def _page(self, request: Request) -> Json:
        asked, groups = self._found(request)
        if "shuffles_equals" in switches(request.scope):
            groups = sorted(groups, key=lambda group: (-len(group.pictures), self.draw.random()))
        page = groups[asked.page * PAGE : (asked.page + 1) * PAGE]
        return {"clusters": [_cluster(it, asked, request) for it in page], "metadata": {"used_duckdb": True}}

    def _count(self, request: Request) -> Json:
        _asked, groups = self._found(request)
        if "older_counts" in switches(request.scope):
            return {"clusters_count": len(groups), "media_count": sum(len(group.pictures) for group in groups)}
        return {"cluster_count": len(groups), "page_size": PAGE}

    def _members(self, request: Request) -> Json | None:
        if "serves_members" not in switches(request.scope):
            raise HTTPException(404, "Not Found")
        asked, groups = self._found(request)
        wanted = request.path_params["cluster"]
        found = next((group for group in groups if group.id == wanted), None)
        if found is None or asked.page * PAGE >= len(found.pictures):
            return None
        shown = found.pictures[asked.page * PAGE : (asked.page + 1) * PAGE]
        return {**_cluster(found, asked, request), "previews": [_preview(it) for it in shown]}


def _health(request: Request) -> Json:
    if "serves_healthcheck" not in switches(request.scope):
        raise HTTPException(404, "Not Found")
    return {"status": "ok"}


def _groups(entities: Entities, asked: Question, *, merely_filters: bool) -> Sequence[Group]:
    similar = entities.levels.get(asked.level, ())
    if not similar or (asked.similarity is None and asked.uniqueness is None and not asked.keeps):
        return similar
    if asked.similarity is not None:
        copies = entities.duplicates(asked.similarity)
        if merely_filters:
            having = {picture for group in copies for picture in group.pictures}
            return _left(similar, lambda it: it in having and asked.keep(it), least=1)
        return _left(copies, asked.keep, least=2) if asked.keeps or asked.uniqueness is not None else copies
    if asked.uniqueness is not None and not merely_filters:
        return in_order(Group.of(picture) for picture in entities.pictures if asked.keep(picture))
    return _left(similar, asked.keep, least=1)


def _left(groups: Sequence[Group], keep: Callable[[Picture], bool], *, least: int) -> Sequence[Group]:
    kept = (group.those(keep) for group in groups)
    return in_order(group for group in kept if len(group.pictures) >= least)


def _described(collection: Collection, request: Request) -> Json:
    shown = dataset(collection.id, collection.name, **collection.said())
    if "thresholds_and_bytes" in switches(request.scope):
        levels = [str(level) for level in collection.images.levels]
        shown |= {"thresholds": levels, "size_bytes": 180_224 * shown["n_images"]}
    return shown


def _cluster(group: Group, asked: Question, request: Request) -> Json:
    previews = [_preview(picture) for picture in group.pictures[:9]]
    shown = cluster(previews, len(group.pictures), cluster_id=group.id)
    if asked.entity_type == "OBJECTS":
        images = len({picture.on for picture in group.pictures})
        shown |= {"type": "OBJECTS", "n_images": images, "n_objects": len(group.pictures)}
    if "labels_as_counts" in switches(request.scope):
        names = [name for picture in group.pictures for name in picture.labels]
        shown["labels"] = {name: names.count(name) for name in sorted(set(names))}
    return shown


def _preview(picture: Picture) -> Json:
    thumb = f"https://pictures.example/thumbs/{picture.path}"
    if picture.on is None:
        return image(picture.path, media_thumb_uri=thumb, width=640, height=480)
    box = zlib.crc32(picture.path.encode()) % 400
    return image(
        picture.path,
        type="OBJECT",
        file_name=picture.on.rpartition("/")[2],
        image_id=image(picture.on)["media_id"],
        media_thumb_uri=thumb,
        bounding_box=[box, box // 2, 64, 48],
    )


def _endpoint(call: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(call(request))

    return endpoint


async def _failed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"detail": error.detail}, 422)
