"""Whether a filter does anything, told from the clusters with it and without it, or at another value."""

from dataclasses import dataclass, field
from itertools import count as counting
from itertools import takewhile

from lookalike_tools.errors import RefusedParameters
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.differing import Asked, differ
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import FEWEST_COPIES, Dataset, Metadata, Page
from lookalike_tools.explore.paging import PAGE_SIZE
from lookalike_tools.explore.verdicts import Verdict
from lookalike_tools.together import together

_STRICTEST = 1.0
_EXTREMES = (_STRICTEST, 0.0)


@dataclass
class Comparison:
    """The clusters of one question with the filter `wanted` and without it, page by page, within `most` pages.

    `counts` are the server's with the filter, where they had to be asked for; `_unfiltered` are the clusters seen
    without it, by id, each with its size.
    """

    explore: ExploreClient
    dataset: Dataset
    wanted: Filter
    most: int
    counts: Metadata | None = None
    _unfiltered: dict[str, int] = field(default_factory=dict[str, int])

    async def verdict(self, first: Page) -> Verdict | None:
        """What the answers show, `first` being the first page with the filter; `None` where nothing tells."""
        unfiltered = await self._page(self.wanted.without(), 0)
        if not unfiltered.clusters and not first.clusters:
            return "honoured" if self.dataset.size(self.wanted.entity_type) == 0 else None
        verdict = await self._shown(0, first, unfiltered)
        if verdict is None and len(first.clusters) >= PAGE_SIZE:
            verdict = await self._counted(first, unfiltered) or await self._further_on()
        return verdict or await self._elsewhere(first)

    async def tells_values_apart(self, first: Page) -> bool:
        """Whether another value is answered otherwise than with `first`."""
        return await self._elsewhere(first) is not None

    async def _shown(self, number: int, filtered: Page, unfiltered: Page) -> Verdict | None:
        for cluster_id, size in self._sizes(unfiltered):
            self._unfiltered[cluster_id] = max(size, self._unfiltered.get(cluster_id, 0))
        disproof = self._disproof(filtered)
        asked = Asked(self.wanted, number, filtered), Asked(self.wanted.without(), number, unfiltered)
        if disproof is not None or not await differ(self.explore, self.dataset, *asked):
            return disproof
        return await self._works(*asked)

    async def _works(self, filtered: Asked, unfiltered: Asked) -> Verdict:
        """How a filter works that does something."""
        if self.wanted.name != "duplicates" or _makes_others(filtered, unfiltered):
            return "honoured"
        # Whole clusters do not show yet that no images are left out of them: the strictest value takes more.
        strictest = await self._at(_STRICTEST)
        disproof = None if strictest is None else self._disproof(strictest, filtered.page)
        return disproof or "honoured"

    def _disproof(self, filtered: Page, *wider: Page) -> Verdict | None:
        """From a cluster of one, or one that has more images in a `wider` list or on a page without the filter."""
        if self.wanted.name != "duplicates":
            return None
        largest = dict(self._unfiltered)
        for cluster_id, size in (it for page in wider for it in self._sizes(page)):
            largest[cluster_id] = max(size, largest.get(cluster_id, 0))
        with_it = self._sizes(filtered)
        if any(size < FEWEST_COPIES for _, size in with_it):
            return "ignored"
        return "only filters" if any(size < largest.get(cluster_id, 0) for cluster_id, size in with_it) else None

    async def _counted(self, filtered: Page, unfiltered: Page) -> Verdict | None:
        """From the server's own counts, where they differ."""
        asked = (self.explore.metadata(self.dataset, wanted) for wanted in (self.wanted, self.wanted.without()))
        self.counts, everything = await together(asked)
        counts = {None if metadata is None else metadata.cluster_count for metadata in (self.counts, everything)}
        if None in counts or len(counts) == 1:
            return None
        return await self._works(Asked(self.wanted, 0, filtered), Asked(self.wanted.without(), 0, unfiltered))

    async def _further_on(self) -> Verdict | None:
        """From later pages: the largest clusters come first, so what a filter leaves out stands last.

        Pages 1, 2, 4, 8 … up to one that is not full, then halfway between until the end of both lists is found.
        """
        full, beyond = 0, self.most
        doubling = takewhile(lambda number: number < self.most, (2**power for power in counting()))
        number = next(doubling, None)
        while number is not None:
            asked = (self._page(it, number) for it in (self.wanted, self.wanted.without()))
            filtered, unfiltered = await together(asked)
            verdict = await self._shown(number, filtered, unfiltered)
            if verdict is not None:
                return verdict
            if len(filtered.clusters) >= PAGE_SIZE:
                full = number
            elif filtered.clusters:
                return None
            else:
                beyond = number
            found_end = beyond < self.most
            number = None if beyond - full <= 1 else (full + beyond) // 2 if found_end else next(doubling, None)
        return None

    async def _elsewhere(self, first: Page) -> Verdict | None:
        """From the filter at its extreme values: what answers otherwise at another value is honoured."""
        for value in _EXTREMES:
            page = await self._at(value)
            if page is not None and await self._differs_at(value, page, first):
                narrow, wide = (page, first) if value > self.wanted.value else (first, page)
                return self._disproof(page) or self._disproof(narrow, wide) or "honoured"
        return None

    async def _differs_at(self, value: float, page: Page, first: Page) -> bool:
        there, here = Asked(self.wanted.at(value), 0, page), Asked(self.wanted, 0, first)
        return await differ(self.explore, self.dataset, there, here)

    async def _at(self, value: float) -> Page | None:
        """The first page at another value; `None` where it is the same value, or refused."""
        if value == self.wanted.value:
            return None
        try:
            return await self._page(self.wanted.at(value), 0)
        except RefusedParameters:
            return None

    async def _page(self, wanted: Filter, number: int) -> Page:
        return await self.explore.page(self.dataset, wanted, number)

    def _sizes(self, page: Page) -> list[tuple[str, int]]:
        return Asked(self.wanted, 0, page).sizes


def _makes_others(filtered: Asked, unfiltered: Asked) -> bool:
    """Whether there is a cluster with the filter that cannot be what is left of one without it.

    That one would be as large or larger, so it stands as far up or further.
    """
    largest: dict[str, int] = {}
    for cluster_id, size in unfiltered.sizes:
        largest[cluster_id] = max(size, largest.get(cluster_id, 0))
    is_whole = len(unfiltered.page.clusters) < PAGE_SIZE
    beyond = 0 if is_whole else min(largest.values(), default=0)
    return any(
        size > largest[cluster_id] if cluster_id in largest else unfiltered.number == 0 and size > beyond
        for cluster_id, size in filtered.sizes
    )
