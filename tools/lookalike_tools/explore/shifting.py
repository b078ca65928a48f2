"""Noticing that a list changed while its pages were read: clusters move from page to page, and some are never seen.

A cluster is missed when the list moves up between two pages. Nothing in the pages themselves shows that, so some are
looked at again. A change shows on a page if it happened at or before its place, after it was read: wherever and
whenever the list moved up, spreading k such looks evenly finds k of k + 1 cases; the first page is looked at as well,
because large clusters change most. Where the server counted as many as were read, what is left to find is a cluster
that came while another one went.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Dataset
from lookalike_tools.explore.packing import Head, PackedPage, heads_of
from lookalike_tools.together import together

_ENOUGH_TIES = 10
"""Clusters of one size in the order of their ids, before that is taken for the server's rule and not for chance."""


async def looked_at_again(
    explore: ExploreClient, dataset: Dataset, wanted: Filter, pages: Sequence[PackedPage], *, is_counted: bool
) -> list[str]:
    """What is different from when `pages` were read, in words; `is_counted`: they are as many as the server counted."""

    async def page_changed(number: int) -> str | None:
        page = await explore.page(dataset, wanted, number)
        same = set(heads_of(page, wanted.entity_type)) == set(pages[number].heads)
        return None if same else f"page {number + 1} was another when looked at again"

    last = len(pages) - 1
    looks = {0, last // 2} if is_counted else {0, last // 3, 2 * last // 3}
    found = await together(page_changed(number) for number in sorted(looks))
    return [sign for sign in found if sign is not None]


def out_of_order(pages: Sequence[PackedPage]) -> bool:
    """Whether pages that are sorted in themselves, by size or by size and id, do not go on where the last one ended."""
    lists = [page.heads for page in pages]
    ties = sum(one.size == other.size for heads in lists for one, other in pairwise(heads))
    return _breaks(lists, _by_size) or (ties >= _ENOUGH_TIES and _breaks(lists, _by_size_and_id))


def _breaks(lists: Sequence[list[Head]], key: Callable[[Head], Any]) -> bool:
    if any(key(one) > key(other) for heads in lists for one, other in pairwise(heads)):
        return False
    filled = [heads for heads in lists if heads]
    return any(key(one[-1]) > key(other[0]) for one, other in pairwise(filled))


def _by_size(head: Head) -> int:
    return -head.size


def _by_size_and_id(head: Head) -> tuple[int, str]:
    return (-head.size, head.cluster_id)
