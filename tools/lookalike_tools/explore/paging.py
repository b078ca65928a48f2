"""Reading the pages of clusters: a window, or everything within a budget."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Cluster, Dataset, Page
from lookalike_tools.progress import Progress
from lookalike_tools.together import together

PAGE_SIZE = 100
MOST_PAGES = 50
MOST_SECONDS = 20.0
_AT_ONCE = 4
_KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Reading:
    """The clusters from the first page on, each once.

    `ended`: the last page was reached. `repeated`: clusters that came on two pages, which happens when the dataset
    changes in between.
    """

    clusters: list[Cluster]
    pages: int
    ended: bool
    repeated: int


@dataclass(frozen=True)
class Kept:
    """The last reading of a server, for the next page of the same listing; good until `ends` on the loop's clock."""

    listing: "Listing"
    reading: Reading
    ends: float


@dataclass(frozen=True)
class Listing:
    """All clusters that a filter leaves, of which the first page is at hand.

    `expected` is their number, where the server counts them: it saves requests past the end.
    """

    explore: ExploreClient
    dataset: Dataset
    wanted: Filter
    first: Page
    expected: int | None

    async def all(self, progress: Progress) -> Reading:
        """Every page until one is shorter than 100, or the budget of 50 pages or 20 s is used up.

        What was read less than a minute ago is not read again if the dataset, the first page and the count are as then.
        """
        now = asyncio.get_running_loop().time()
        kept = self.explore.kept
        if kept is not None and now < kept.ends and kept.listing == self:
            return kept.reading
        reading = await self._read(progress, now + MOST_SECONDS)
        self.explore.kept = Kept(self, reading, now + _KEPT_SECONDS)
        return reading

    async def _read(self, progress: Progress, ends: float) -> Reading:
        pages = [self.first]
        total = None if self.expected is None else -(-self.expected // PAGE_SIZE)
        while _is_full(pages[-1]) and len(pages) < MOST_PAGES:
            await progress(len(pages), total, f"reading the clusters of {about(self.dataset)}")
            wave = range(len(pages), min(len(pages) + _wave_size(len(pages), total), MOST_PAGES))
            try:
                async with asyncio.timeout_at(ends):
                    read = await self._pages(wave)
            except TimeoutError:
                break
            for page in read:
                pages.append(page)
                if not _is_full(page):
                    break
        return _reading(pages)

    async def window(self, offset: int, limit: int) -> list[Cluster]:
        """Up to `limit` clusters from `offset` on; fewer only at the end."""
        numbers = range(offset // PAGE_SIZE, (offset + limit - 1) // PAGE_SIZE + 1)
        pages: list[Page] = []
        if numbers.start == 0:
            pages.append(self.first)
        if not pages or _is_full(self.first):
            pages += await self._pages(numbers[len(pages) :])
        clusters = [cluster for page in pages for cluster in page.clusters]
        start = offset - numbers.start * PAGE_SIZE
        return clusters[start : start + limit]

    async def _pages(self, numbers: Iterable[int]) -> list[Page]:
        """The pages with these numbers, read side by side, in order."""
        asked = (self.explore.page(self.dataset, self.wanted, number) for number in numbers)
        return await together(asked)


def _reading(pages: list[Page]) -> Reading:
    clusters: dict[str, Cluster] = {}
    for page in pages:
        for cluster in page.clusters:
            clusters.setdefault(cluster.cluster_id, cluster)
    return Reading(
        clusters=list(clusters.values()),
        pages=len(pages),
        ended=not _is_full(pages[-1]),
        repeated=sum(len(page.clusters) for page in pages) - len(clusters),
    )


def _wave_size(read: int, total: int | None) -> int:
    return _AT_ONCE if total is None else max(1, min(_AT_ONCE, total - read))


def _is_full(page: Page) -> bool:
    return len(page.clusters) >= PAGE_SIZE
