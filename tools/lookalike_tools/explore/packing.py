"""Many pages of clusters in little memory: each is kept compressed, and unpacked when it is looked into."""

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from typing_extensions import override

from lookalike_tools.explore.models import Cluster, Page
from lookalike_tools.queries import EntityType


@dataclass(frozen=True, slots=True)
class Head:
    """What counting needs of a cluster; `is_counted`: `size` is the server's own count, not that of its previews."""

    cluster_id: str
    size: int
    is_counted: bool


class PackedPage:
    """A page whose heads are at hand, and whose clusters are unpacked when asked for.

    `shown` are hashes of the media ids of each cluster's previews.
    """

    def __init__(self, page: Page, entity_type: EntityType) -> None:
        self.heads = heads_of(page, entity_type)
        self.shown = [_shown(cluster) for cluster in page.clusters]
        self._packed = zlib.compress(page.model_dump_json(exclude_defaults=True).encode(), level=1)

    def clusters(self) -> list[Cluster]:
        """The clusters, anew at each call."""
        return Page.model_validate_json(zlib.decompress(self._packed)).clusters


class Clusters(Sequence[Cluster]):
    """The clusters of some pages in order, each where it first appeared; they are unpacked a page at a time."""

    def __init__(self, pages: Sequence[PackedPage]) -> None:
        seen: set[str] = set()
        self._pages = pages
        self._places: list[list[int]] = []
        self._starts: list[int] = []
        self.heads: list[Head] = []
        for page in pages:
            fresh: list[int] = []
            for place, head in enumerate(page.heads):
                if head.cluster_id not in seen:
                    seen.add(head.cluster_id)
                    fresh.append(place)
            self._starts.append(len(self.heads))
            self._places.append(fresh)
            self.heads += [page.heads[place] for place in fresh]

    @override
    def __len__(self) -> int:
        return len(self.heads)

    @override
    def __iter__(self) -> Iterator[Cluster]:
        for number in range(len(self._pages)):
            yield from self._unpacked(number)

    @property
    def shared(self) -> int:
        """How many of the images shown are in more than one cluster."""
        seen: set[int] = set()
        shared: set[int] = set()
        for page, places in zip(self._pages, self._places, strict=True):
            for place in places:
                shown = page.shown[place]
                shared.update(it for it in shown if it in seen)
                seen.update(shown)
        return len(shared)

    @overload
    def __getitem__(self, index: int) -> Cluster: ...

    @overload
    def __getitem__(self, index: slice) -> list[Cluster]: ...

    @override
    def __getitem__(self, index: int | slice) -> Cluster | list[Cluster]:
        if isinstance(index, slice):
            return self._some(range(len(self))[index])
        return self._some([range(len(self))[index]])[0]

    def ranked(self, places: slice) -> list[Cluster]:
        """Those at `places` of the list that has the largest first, then the lowest id, whatever order they came in."""
        order = sorted(range(len(self)), key=lambda it: (-self.heads[it].size, self.heads[it].cluster_id))
        return self._some(order[places])

    def _some(self, wanted: Sequence[int]) -> list[Cluster]:
        unpacked: dict[int, list[Cluster]] = {}
        some: list[Cluster] = []
        for position in wanted:
            number = bisect_right(self._starts, position) - 1
            if number not in unpacked:
                unpacked[number] = self._unpacked(number)
            some.append(unpacked[number][position - self._starts[number]])
        return some

    def _unpacked(self, number: int) -> list[Cluster]:
        clusters = self._pages[number].clusters()
        return [clusters[place] for place in self._places[number]]


def _shown(cluster: Cluster) -> "array[int]":
    return array("q", {hash(preview.media_id) for preview in cluster.previews if preview.media_id})


def heads_of(page: Page, entity_type: EntityType) -> list[Head]:
    """The page's clusters as counting needs them, in order."""
    return [
        Head(cluster.cluster_id, cluster.size(entity_type), cluster.is_counted(entity_type))
        for cluster in page.clusters
    ]
