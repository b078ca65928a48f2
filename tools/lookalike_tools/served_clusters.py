"""The duplicate clusters that the server itself makes of its filter."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest

from lookalike_tools.clusters import Row, rows
from lookalike_tools.counting import Count, count_clusters
from lookalike_tools.cursor import Place
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import Honoured, honoured
from lookalike_tools.explore.membership import with_members
from lookalike_tools.explore.models import Cluster, Metadata, WireSize
from lookalike_tools.grouping import GroupBy, Grouping, folder_groups, label_groups, own_groups
from lookalike_tools.member_paths import member_paths
from lookalike_tools.opening import Opened
from lookalike_tools.progress import Progress
from lookalike_tools.queries import EntityType
from lookalike_tools.results.clusters import Totals
from lookalike_tools.results.summary import AtThreshold
from lookalike_tools.similarity import THRESHOLDS, floored, spelled
from lookalike_tools.together import together

_TRUSTED = 0.9
"""Below this similarity unrelated images of a large dataset meet by chance."""


@dataclass(frozen=True)
class ServedClusters:
    """The clusters behind a filter that the server honours, and their count."""

    opened: Opened
    found: Honoured
    count: Count

    @property
    def similarity(self) -> float:
        """The least similarity within the clusters, as asked."""
        return self.found.wanted.value

    @property
    def totals(self) -> Totals:
        """Over the whole dataset."""
        return self.count.totals

    @property
    def complete(self) -> bool:
        """Whether the totals are."""
        return self.count.complete

    @property
    def notes(self) -> list[str]:
        """Why the totals are not complete."""
        return self.count.notes

    def place(self, tool: str) -> Place:
        """What a cursor of this tool is bound to."""
        return self.opened.place(self.found, tool, self.found.wanted.value, self.found.wanted.entity_type)

    async def window(self, offset: int, limit: int) -> list[Cluster]:
        """Up to `limit` clusters from `offset` on, largest first; fewer only at the end."""
        reading = self.count.reading
        if reading is not None and (reading.ended or offset + limit <= len(reading.clusters)):
            # Some servers list clusters of one size in another order each time.
            return reading.clusters.ranked(slice(offset, offset + limit))
        return await self.found.listing.window(offset, limit)

    async def largest(self, most: int) -> list[Cluster]:
        """The largest ones, by number of images, then id."""
        return nsmallest(most, self._read, key=lambda cluster: (-cluster.size(self._entity_type), cluster.cluster_id))

    async def rows(self, shown: Sequence[Cluster], progress: Progress) -> tuple[list[Row], list[str]]:
        """The clusters `shown` with a keeper each, chosen among all members where they can be had, and notes."""
        explore, dataset = self.opened.explore, self.opened.dataset
        membership = await with_members(explore, dataset, self.found.wanted, shown, progress)
        reading = self.count.reading
        heads = None if reading is None or not reading.ended else reading.clusters.heads
        every = None if heads is None else [head.cluster_id for head in heads]
        return rows(membership.clusters, every, self._entity_type), membership.notes

    def sizes(self) -> list[WireSize]:
        """How many clusters there are of each size."""
        metadata = self.found.metadata
        if metadata is not None and metadata.totals is not None and metadata.sizes is not None:
            return metadata.sizes
        counted = Counter(cluster.size(self._entity_type) for cluster in self._read)
        return [WireSize(n=n, clusters=counted[n]) for n in sorted(counted)]

    async def thresholds(self) -> list[AtThreshold]:
        """At the usual similarities where the engine counts for us, else at the asked one alone."""
        floor, asked = self.opened.dataset.similarity_floor or 0.0, self.similarity
        others = [] if self.count.reading is not None else [at for at in THRESHOLDS if at >= floor and at != asked]
        counted: list[Metadata | None] = await together(
            self.opened.explore.metadata(self.opened.dataset, self.found.wanted.at(at)) for at in others
        )
        counts = [AtThreshold(similarity=asked, clusters=self.totals.clusters, removable=self.totals.removable)]
        for at, metadata in zip(others, counted, strict=True):
            if metadata is not None and metadata.totals is not None:
                totals = metadata.totals
                counts.append(AtThreshold(similarity=at, clusters=totals.clusters, removable=totals.removable))
        return sorted(counts, key=lambda row: -row.similarity)

    async def grouping(self, by: GroupBy, progress: Progress) -> Grouping:
        """The clusters by folder or label. Raises `WrongArgument` where the server does not say which."""
        explore, dataset = self.opened.explore, self.opened.dataset
        if by == "label":
            return label_groups(dataset, self._read)
        if self.count.reading is None:
            metadata = await explore.metadata(dataset, self.found.wanted, {"group_by": "folder"})
            if metadata is not None and metadata.groups is not None:
                return own_groups(metadata, self.totals)
        paths = await member_paths(explore, dataset, self.found.wanted, self._read, progress)
        grouping = folder_groups(dataset, paths.by_cluster, sampled=paths.sampled)
        return replace(grouping, notes=[*grouping.notes, *paths.notes])

    def nothing_found(self) -> list[str]:
        """Explains an empty answer."""
        asked = f"No duplicates at similarity {spelled(self.similarity)}"
        metadata, dataset = self.found.metadata, self.opened.dataset
        closest = None if metadata is None else metadata.closest_similarity
        if closest is None:
            images = dataset.size(self._entity_type)
            if images is None or images > 1:
                return [asked]
            return [f"{asked}: there {'is 1 image' if images else 'are no images'}"]
        reachable = floored(closest)
        floor = dataset.similarity_floor
        if floor is not None and reachable < floor:
            below = f"below what the index covers ({spelled(floor)})"
            return [f"{asked}; the closest pair is at {spelled(reachable)}, {below}"]
        chance = "" if reachable >= _TRUSTED else ", if only by chance"
        offer = f"similarity {spelled(reachable)} would show it{chance}"
        return [f"{asked}; the closest pair is at {spelled(reachable)}: {offer}"]

    @property
    def _entity_type(self) -> EntityType:
        return self.found.wanted.entity_type

    @property
    def _read(self) -> Sequence[Cluster]:
        return self.found.listing.first.clusters if self.count.reading is None else self.count.reading.clusters


async def served_clusters(
    opened: Opened, wanted: Filter, progress: Progress, *, clusters_needed: bool
) -> ServedClusters:
    """The clusters that `wanted` leaves. Raises `CannotAnswer` where the server does not honour it."""
    found = await honoured(opened.explore, opened.dataset, wanted)
    count = await count_clusters(opened.dataset, found, progress, clusters_needed=clusters_needed)
    return ServedClusters(opened, found, count)
