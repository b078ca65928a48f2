"""A small Explore server over contents that a test names; the defaults are the documented cloud."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.explore_servers.contents import Json, dataset

DATASET_ID = "3f2a91c0-0000-4000-8000-000000000001"
PAGE = 100


@dataclass
class Server:
    """One dataset behind the Explore API; the defaults are the documented cloud.

    `honours` are the spellings that filter; others are ignored. `refuses` are those answered 422. `counts`: whether
    exploration_metadata exists. `mend` may change any answer before it is sent.
    """

    duplicates: list[Json] = field(default_factory=list)
    singles: list[Json] = field(default_factory=list)
    dataset: Json = field(default_factory=dict)
    others: list[Json] = field(default_factory=list)
    honours: frozenset[str] = frozenset({"vql", "duplicate_threshold"})
    refuses: frozenset[str] = frozenset()
    counts: Callable[["Server", list[Json], Request], Json] | None = field(default_factory=lambda: plain_count)
    page_metadata: Json | None = field(default_factory=lambda: {"used_duckdb": True})
    guard: Callable[[Request], Response | None] = lambda _request: None
    mend: Callable[[str, Any], Any] = lambda _path, answer: answer
    requests: list[Request] = field(default_factory=list)
    more_routes: list[Route] = field(default_factory=list)

    def app(self) -> Starlette:
        routes = [
            Route("/api/v1/datasets", self._answer(lambda _request: [self._dataset(), *self.others])),
            Route("/api/v1/dataset/{id}", self._answer(self._one_dataset)),
            Route("/api/v1/explore/{id}", self._answer(self._page)),
            Route("/api/v1/explore/{id}/exploration_metadata", self._answer(self._count)),
        ]
        return Starlette(routes=[*self.more_routes, *routes])

    def questions(self, ending: str) -> list[dict[str, str]]:
        """The query parameters of every request whose path ends so."""
        return [dict(it.query_params) for it in self.requests if it.url.path.endswith(ending)]

    def _answer(self, make: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            self.requests.append(request)
            refused = self.guard(request)
            if refused is not None:
                return refused
            answer = self.mend(request.url.path, make(request))
            return Response(json.dumps(answer), media_type="application/json")

        return endpoint

    def _dataset(self) -> Json:
        images = sum(max(0, it["n_images"]) for it in (*self.duplicates, *self.singles))
        return dataset(DATASET_ID, "pets", **{"n_images": images, **self.dataset})

    def _one_dataset(self, request: Request) -> Json:
        for known in (self._dataset(), *self.others):
            if known["id"] == request.path_params["id"]:
                return known
        raise HTTPException(404, "nothing here")

    def _filtered(self, request: Request) -> list[Json]:
        asked = request.query_params
        for spelling in ("vql", "duplicate_threshold"):
            if spelling in asked and spelling in self.refuses:
                raise HTTPException(422, f"{spelling}: upstream words that must not reach anyone")
        name = None
        if "vql" in asked and "vql" in self.honours:
            name = next(iter(json.loads(asked["vql"])[0]))
        if "duplicate_threshold" in asked and "duplicate_threshold" in self.honours:
            name = "duplicates"
        shown = {"duplicates": self.duplicates, "uniqueness": self.singles, None: [*self.duplicates, *self.singles]}
        return shown[name]

    def _page(self, request: Request) -> Json:
        number = int(request.query_params.get("page_number", "0"))
        answer: Json = {"clusters": self._filtered(request)[number * PAGE : (number + 1) * PAGE]}
        if self.page_metadata is not None:
            answer["metadata"] = self.page_metadata
        return answer

    def _count(self, request: Request) -> Json:
        if self.counts is None:
            raise HTTPException(404, "no such call")
        return self.counts(self, self._filtered(request), request)


def plain_count(_server: Server, clusters: list[Json], _request: Request) -> Json:
    """The documented form."""
    return {"cluster_count": len(clusters), "page_size": PAGE}


def older_count(_server: Server, clusters: list[Json], _request: Request) -> Json:
    """The older form."""
    return {"clusters_count": len(clusters), "media_count": sum(it["n_images"] for it in clusters)}


def engine_count(server: Server, clusters: list[Json], request: Request) -> Json:
    """The engine's form, with totals."""
    clustered = sum(it["n_images"] for it in server.duplicates)
    sizes = sorted({it["n_images"] for it in server.duplicates})
    answer: Json = {
        "cluster_count": len(clusters),
        "page_size": PAGE,
        "applied_filters": ["duplicates", "uniqueness"],
        "revision": server.dataset.get("revision"),
        "totals": {
            "images": clustered + len(server.singles),
            "clustered": clustered,
            "single": len(server.singles),
            "clusters": len(server.duplicates),
            "removable": clustered - len(server.duplicates),
            "bytes_removable": 84_123_456,
            "skipped": 2,
            "aliases": 1,
        },
        "sizes": [{"n": n, "clusters": sum(it["n_images"] == n for it in server.duplicates)} for n in sizes],
        "closest_similarity": 0.918,
        "highest_uniqueness": 0.7777,
    }
    if request.query_params.get("group_by") == "folder":
        answer |= {
            "groups": [{"name": f"folder{i:02}", "images": 20 - i, "removable": 12 - i} for i in range(12)],
            "groups_total": 12,
            "across": [{"a": "folder00", "b": "folder01", "clusters": 3}],
            "across_total": 1,
        }
    return answer


def engine(duplicates: Sequence[Json], singles: Sequence[Json] = (), **changes: Any) -> Server:
    """The embedded engine's answers, as docs/explore-contract.md has them."""
    server = Server(
        duplicates=list(duplicates),
        singles=list(singles),
        counts=engine_count,
        page_metadata={"applied_filters": ["duplicates", "uniqueness"], "revision": "r1"},
        dataset={
            "source_type": "LOCAL",
            "root_path": "/photos",
            "revision": "r1",
            "similarity_floor": 0.7,
            "n_skipped": 2,
            "skipped_reasons": {"truncated": 1, "too large": 1},
            "n_aliases": 1,
            "indexing": None,
        },
    )
    return replace(server, **changes)
