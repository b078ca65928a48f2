"""Whether two pages of clusters differ by more than chance: some servers list clusters of one size in random order."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import pairwise

from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Dataset, Page
from lookalike_tools.explore.paging import PAGE_SIZE
from lookalike_tools.together import together

_BEYOND_CHANCE = 10
"""Clusters in which pages of one random order may differ, and yet by chance come back as they were when asked again."""


@dataclass(frozen=True)
class Asked:
    """A page, and what it answers."""

    wanted: Filter
    number: int
    page: Page

    @property
    def sizes(self) -> list[tuple[str, int]]:
        """The clusters by id, in no order of the server's, each with its size; a hostile server repeats ids."""
        return sorted((it.cluster_id, it.size(self.wanted.entity_type)) for it in self.page.clusters)

    @property
    def settled(self) -> Hashable:
        """What no random order among clusters of one size can change."""
        if self.number == 0 and len(self.page.clusters) < PAGE_SIZE:
            return tuple(self.sizes)
        sizes = [cluster.size(self.wanted.entity_type) for cluster in self.page.clusters]
        if any(one < other for one, other in pairwise(sizes)):
            return len(sizes)
        # Those of the sizes at which the page begins and ends may stand on the pages around it as well.
        open_sizes = {*sizes[: self.number > 0], *(sizes[-1:] if len(sizes) >= PAGE_SIZE else ())}
        return (tuple(sizes), tuple(it for it in self.sizes if it[1] not in open_sizes))


async def differ(explore: ExploreClient, dataset: Dataset, one: Asked, other: Asked) -> bool:
    """Whether the pages differ, and did not by chance, nor because the dataset changed in between.

    Where they seem to, both are asked for again: what is the same as before is a property of the answers.
    """
    views: list[Callable[[Asked], object]] = []
    if one.settled != other.settled:
        views.append(lambda asked: asked.settled)
    if len(set(one.sizes) - set(other.sizes)) >= _BEYOND_CHANCE:
        views.append(lambda asked: asked.sizes)
    if not views:
        return False
    pages = await together(explore.page(dataset, it.wanted, it.number) for it in (one, other))
    again = [Asked(it.wanted, it.number, page) for it, page in zip((one, other), pages, strict=True)]
    return any([view(one), view(other)] == [view(it) for it in again] for view in views)
