"""A server's own lists of the members of its clusters, 100 at a time, which not every server has."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from lookalike_tools.errors import (
    BadAnswer,
    Forbidden,
    LookalikeError,
    NotFound,
    RefusedParameters,
    ServerFailed,
)
from lookalike_tools.explore.client import ExploreClient, about, checked_id
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Cluster, Dataset
from lookalike_tools.progress import Progress
from lookalike_tools.queries import EntityType
from lookalike_tools.together import together

_PAGE = 100
_MOST_REQUESTS = 30
_MOST_SECONDS = 10.0
_AT_ONCE = 4
_REMEMBERED_SECONDS = 600.0

_MEMBERS: TypeAdapter[Cluster | None] = TypeAdapter(Cluster | None)


@dataclass
class MemberLists:
    """The clusters whose list was read and agrees, by id, and how many of the others there are."""

    whole: dict[str, Cluster] = field(default_factory=dict[str, Cluster])
    disagreeing: int = 0
    failed: int = 0
    unread: int = 0

    @property
    def notes(self) -> list[str]:
        """Why some clusters have no list that can be used."""
        said = (
            (self.disagreeing, "contradicted its own count or previews, so it was not used"),
            (self.failed, "could not be read"),
            (self.unread, f"was not read: {_MOST_REQUESTS} requests and {_MOST_SECONDS:g} s were used up"),
        )
        return [f"For {count:,} of the clusters shown the server's member list {what}" for count, what in said if count]


async def read_lists(
    explore: ExploreClient, dataset: Dataset, wanted: Filter, clusters: Sequence[Cluster], progress: Progress
) -> MemberLists | None:
    """The members of `clusters`, as far as 30 requests and 10 s go; `None` where the server has no such lists.

    That it has none is remembered for ten minutes.
    """
    if explore.memory.memberless.get(dataset.id):
        return None
    lists = MemberLists(unread=len(clusters))
    affordable = _affordable(clusters, wanted.entity_type)
    if not affordable:
        return lists
    await progress(0, len(affordable), f"reading the members of the clusters of {about(dataset)}")
    reader = _Reader(explore, dataset, wanted, lists)
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            # The first one shows whether there is anything to ask for.
            await reader.read(affordable[0])
            await together(reader.read_if_possible(cluster) for cluster in affordable[1:])
    except (_NoSuchList, NotFound, Forbidden, RefusedParameters, ServerFailed, BadAnswer):
        explore.memory.memberless.put(dataset.id, True, _REMEMBERED_SECONDS)  # noqa: FBT003  (the fact itself)
        return None
    except LookalikeError:
        return MemberLists(failed=len(clusters))
    except TimeoutError:
        pass  # What was read by now is used, and the rest is counted.
    return lists


def agree(cluster: Cluster, media_ids: Sequence[str | None], entity_type: EntityType) -> bool:
    """Whether the members `media_ids` are as many as the cluster counts, each once, its previews among them."""
    identified = {media_id for media_id in media_ids if media_id}
    return len(identified) == len(media_ids) == cluster.size(entity_type) and all(
        preview.media_id in identified for preview in cluster.previews
    )


class _NoSuchList(Exception):  # noqa: N818  (it never leaves this module)
    """The server says that a cluster which it has just shown does not exist."""


@dataclass(frozen=True)
class _Reader:
    explore: ExploreClient
    dataset: Dataset
    wanted: Filter
    lists: MemberLists
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def read(self, cluster: Cluster) -> None:
        """Put the list of `cluster` into `lists`, or count it there."""
        entity_type = self.wanted.entity_type
        pages = await together(self._page(cluster, number) for number in range(_pages(cluster, entity_type)))
        if pages[0] is None:
            raise _NoSuchList
        self.lists.unread -= 1
        members = [preview for page in pages if page is not None for preview in page.previews]
        is_same = all(page is None or _is_same(cluster, page, entity_type) for page in pages)
        if is_same and agree(cluster, [it.media_id for it in members], entity_type):
            self.lists.whole[cluster.cluster_id] = cluster.model_copy(update={"previews": members})
        else:
            self.lists.disagreeing += 1

    async def read_if_possible(self, cluster: Cluster) -> None:
        try:
            await self.read(cluster)
        except (LookalikeError, _NoSuchList):
            self.lists.unread -= 1
            self.lists.failed += 1

    async def _page(self, cluster: Cluster, number: int) -> Cluster | None:
        path = f"/explore/{checked_id(self.dataset.id)}/similarity_cluster/{checked_id(cluster.cluster_id)}"
        params = {**self.explore.params(self.dataset, self.wanted), "page_number": str(number)}
        async with self.slots:
            return await self.explore.read(_MEMBERS, path, params, f"a cluster of {about(self.dataset)}")


def _affordable(clusters: Iterable[Cluster], entity_type: EntityType) -> list[Cluster]:
    """Those whose lists the requests suffice for, in order; a smaller one may follow one that is too large."""
    left = _MOST_REQUESTS
    chosen: list[Cluster] = []
    for cluster in clusters:
        pages = _pages(cluster, entity_type)
        if pages <= left:
            left -= pages
            chosen.append(cluster)
    return chosen


def _pages(cluster: Cluster, entity_type: EntityType) -> int:
    return -(-cluster.size(entity_type) // _PAGE)


def _is_same(cluster: Cluster, page: Cluster, entity_type: EntityType) -> bool:
    counts_as_much = not page.is_counted(entity_type) or page.size(entity_type) == cluster.size(entity_type)
    return page.cluster_id == cluster.cluster_id and counts_as_much
