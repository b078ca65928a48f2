"""Whether a filter does anything, told from the clusters with it and without it, or at another value."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count as counting
from itertools import takewhile

from lookalike_tools.errors import RefusedParameters
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Dataset, Page
from lookalike_tools.explore.paging import PAGE_SIZE
from lookalike_tools.explore.verdicts import Verdict
from lookalike_tools.together import together

_EXTREMES = (1.0, 0.0)


@dataclass(frozen=True)
class Comparison:
    """The clusters of one question with the filter `wanted` and without it, page by page, within `most` pages."""

    explore: ExploreClient
    dataset: Dataset
    wanted: Filter
    most: int

    async def verdict(self, first: Page) -> Verdict | None:
        """What the answers show, `first` being the first page with the filter; `None` where nothing tells."""
        unfiltered = await self.explore.page(self.dataset, self.wanted.without(), 0)
        if not unfiltered.clusters and not first.clusters:
            return "honoured" if self.dataset.size(self.wanted.entity_type) == 0 else None
        verdict = self._of(first, unfiltered)
        if verdict is None and len(first.clusters) >= PAGE_SIZE:
            verdict = await self._counted() or await self._further_on()
        return verdict or await self._elsewhere(first, unfiltered)

    async def tells_values_apart(self, first: Page) -> bool:
        """Whether another value is answered otherwise than with `first`."""
        return await self._elsewhere(first, Page()) is not None

    def _of(self, filtered: Page, unfiltered: Page) -> Verdict | None:
        with_it, without = _sizes(filtered, self.wanted), _sizes(unfiltered, self.wanted)
        if self.wanted.name == "duplicates":
            if 1 in with_it.values():
                return "ignored"
            if any(size < without.get(cluster_id, 0) for cluster_id, size in with_it.items()):
                return "only filters"
        return "honoured" if with_it != without else None

    async def _counted(self) -> Verdict | None:
        """From the server's own counts, where they differ."""
        asked = (self.explore.metadata(self.dataset, wanted) for wanted in (self.wanted, self.wanted.without()))
        counts = {None if metadata is None else metadata.cluster_count for metadata in await together(asked)}
        return "honoured" if None not in counts and len(counts) > 1 else None

    async def _further_on(self) -> Verdict | None:
        """From later pages: the largest clusters come first, so what a filter leaves out stands last.

        Pages 1, 2, 4, 8 … up to one that is not full, then halfway between until the end of both lists is found.
        """
        full, beyond = 0, self.most
        doubling = takewhile(lambda number: number < self.most, (2**power for power in counting()))
        number = next(doubling, None)
        while number is not None:
            asked = (self.explore.page(self.dataset, it, number) for it in (self.wanted, self.wanted.without()))
            filtered, unfiltered = await together(asked)
            verdict = self._of(filtered, unfiltered)
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

    async def _elsewhere(self, first: Page, unfiltered: Page) -> Verdict | None:
        """From the filter at its extreme values: what answers otherwise at another value is honoured."""
        here = _sizes(first, self.wanted)
        for value in _EXTREMES:
            if value == self.wanted.value:
                continue
            try:
                page = await self.explore.page(self.dataset, self.wanted.at(value), 0)
            except RefusedParameters:
                continue
            if _sizes(page, self.wanted) != here:
                verdict = self._of(page, unfiltered)
                return "honoured" if verdict is None else verdict
        return None


def _sizes(page: Page, wanted: Filter) -> Mapping[str, int]:
    return {cluster.cluster_id: cluster.size(wanted.entity_type) for cluster in page.clusters}
