"""Reading the pages of clusters: a window, or everything within a budget."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass

from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Cluster, Dataset, Page
from lookalike_tools.explore.packing import Clusters, PackedPage
from lookalike_tools.explore.shifting import looked_at_again, out_of_order
from lookalike_tools.progress import Progress
from lookalike_tools.together import as_they_come, together

PAGE_SIZE = 100
_KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Budget:
    """What one reading may cost: seconds, pages in all, and pages asked for at the same time."""

    seconds: float = 20.0
    pages: int = 50
    at_once: int = 6

    def __str__(self) -> str:
        return f"{self.pages} pages or {self.seconds:g} s"


USUAL = Budget()


@dataclass(frozen=True)
class Reading:
    """The clusters from the first page on, each once, and how many pages they are.

    `ended`: the last page was reached. `changes`: signs that the dataset changed in between, so that clusters may be
    missing. `checked`: there was time to look for them all; one page alone cannot change in between.
    """

    clusters: Clusters
    pages: int
    ended: bool
    changes: list[str]
    checked: bool


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
    budget: Budget = USUAL

    @property
    def is_whole(self) -> bool:
        """Whether the first page is all there is."""
        return len(self.first.clusters) < PAGE_SIZE

    async def all(self, progress: Progress) -> Reading:
        """Every page until one is shorter than 100, or the budget is used up.

        What was read less than a minute ago is not read again if the dataset, the first page and the count are as then.
        """
        now = asyncio.get_running_loop().time()
        kept = self.explore.kept
        if kept is not None and now < kept.ends and kept.listing == self:
            return kept.reading
        reading = await self._read(progress, now + self.budget.seconds)
        if not reading.changes:
            self.explore.kept = Kept(self, reading, now + _KEPT_SECONDS)
        return reading

    async def _read(self, progress: Progress, ends: float) -> Reading:
        book = _Book(self.expected, self.budget.pages)
        book.add(0, PackedPage(self.first, self.wanted.entity_type))
        changes: list[str] | None = None
        try:
            async with asyncio.timeout_at(ends):
                await self._fill(book, progress)
                if book.is_complete:
                    changes = await self._look_again(book.in_order)
        except TimeoutError:
            pass  # What is there by now is the answer, and says so.
        return _reading(book, changes)

    async def _look_again(self, pages: list[PackedPage]) -> list[str]:
        if len(pages) == 1:
            return []
        is_counted = sum(len(page.heads) for page in pages) == self.expected
        return await looked_at_again(self.explore, self.dataset, self.wanted, pages, is_counted=is_counted)

    async def _fill(self, book: "_Book", progress: Progress) -> None:
        async def page(number: int) -> PackedPage:
            return PackedPage(await self.explore.page(self.dataset, self.wanted, number), self.wanted.entity_type)

        if book.is_complete:
            return
        message = f"reading the clusters of {about(self.dataset)}"
        await progress(len(book.pages), book.total, message)
        async with aclosing(as_they_come(page, book.draw, self.budget.at_once)) as coming:
            async for number, read in coming:
                book.add(number, read)
                if book.is_complete:
                    return
                await progress(len(book.pages), book.total, message)

    async def window(self, offset: int, limit: int) -> list[Cluster]:
        """Up to `limit` clusters from `offset` on; fewer only at the end."""
        numbers = range(offset // PAGE_SIZE, (offset + limit - 1) // PAGE_SIZE + 1)
        pages: list[Page] = []
        if numbers.start == 0:
            pages.append(self.first)
        if not pages or not self.is_whole:
            pages += await self._pages(numbers[len(pages) :])
        clusters = [cluster for page in pages for cluster in page.clusters]
        start = offset - numbers.start * PAGE_SIZE
        return clusters[start : start + limit]

    async def _pages(self, numbers: Iterable[int]) -> list[Page]:
        """The pages with these numbers, read side by side, in order."""
        asked = (self.explore.page(self.dataset, self.wanted, number) for number in numbers)
        return await together(asked)


class _Book:
    """The pages read so far, in whatever order they came, and which to ask for next."""

    def __init__(self, expected: int | None, most: int) -> None:
        self.pages: dict[int, PackedPage] = {}
        self._clusters = expected
        self._expected = None if expected is None else -(-expected // PAGE_SIZE)
        self._most = most
        self._next = 1
        self._last: int | None = None

    @property
    def total(self) -> int | None:
        """The pages that there are by the server's count, unless more were read."""
        return None if self._expected is None or self._expected < len(self.pages) else self._expected

    @property
    def in_order(self) -> list[PackedPage]:
        """The pages from the first one to the first that is missing, or to the end."""
        pages: list[PackedPage] = []
        while len(pages) in self.pages and (self._last is None or len(pages) <= self._last):
            pages.append(self.pages[len(pages)])
        return pages

    @property
    def is_complete(self) -> bool:
        """Whether every page to the last one is there: one that is not full, or full by the server's count."""
        if self._last is None:
            return self._most * PAGE_SIZE == len(self.pages) * PAGE_SIZE == self._clusters
        return all(number in self.pages for number in range(self._last))

    @property
    def goes_on(self) -> bool:
        """Whether there are clusters behind the page that seemed to be the last."""
        return self._last is not None and any(page.heads for number, page in self.pages.items() if number > self._last)

    def add(self, number: int, page: PackedPage) -> None:
        self.pages[number] = page
        if len(page.heads) < PAGE_SIZE and (self._last is None or number < self._last):
            self._last = number

    def draw(self) -> int | None:
        """The next page to ask for, while it is likely to exist: within the count, else about twice as far as read."""
        read = len(self.pages)
        likely = 2 * read + 1
        if self._expected is not None:
            likely = self._expected if read < self._expected else read + 1
        if self._last is not None or self._next >= min(likely, self._most):
            return None
        self._next += 1
        return self._next - 1


def _reading(book: _Book, found: list[str] | None) -> Reading:
    pages = book.in_order
    clusters = Clusters(pages)
    changes = list(found or ())
    repeated = sum(len(page.heads) for page in pages) - len(clusters)
    if repeated:
        changes.append(f"{repeated:,} clusters came twice")
    if out_of_order(pages):
        changes.append("clusters came out of order")
    if book.goes_on:
        changes.append("a page in between was not full")
    return Reading(clusters, len(pages), book.is_complete, changes, checked=found is not None)
