"""The server's own counts, `{clusters_count, media_count}`, where they can be trusted to be about the filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lookalike_tools.explore.honouring import Honoured
from lookalike_tools.explore.models import FEWEST_COPIES
from lookalike_tools.explore.packing import Head, heads_of
from lookalike_tools.explore.paging import PAGE_SIZE


@dataclass(frozen=True)
class ServerCount:
    """Clusters of duplicates, and the images in them."""

    clusters: int
    images: int


async def server_count(found: Honoured) -> ServerCount | None:
    """The counts of a list of several pages, where its first and its last page bear them out; else `None`.

    An image count that is the same without the filter is not about what that leaves. Three requests, then remembered.
    """
    metadata, listing = found.metadata, found.listing
    if metadata is None or metadata.cluster_count is None or metadata.media_count is None:
        return None
    count = ServerCount(metadata.cluster_count, metadata.media_count)
    first = heads_of(listing.first, found.wanted.entity_type)
    if listing.is_whole or count.clusters <= PAGE_SIZE or not _is_sound(first):
        return None
    question = ("counts", listing.dataset.id, found.wanted, count)
    verdict = listing.explore.honoured.get(question)
    if verdict is None:
        trusted = (
            await _fits_last_page(found, count, first)
            and await _is_filtered(found, count)
            and await _is_steady(found, first)
        )
        verdict = "honoured" if trusted else "ignored"
        listing.explore.honoured.remember(question, verdict)
    return count if verdict == "honoured" else None


async def _fits_last_page(found: Honoured, count: ServerCount, first: Sequence[Head]) -> bool:
    number = (count.clusters - 1) // PAGE_SIZE
    page = await found.listing.explore.page(found.listing.dataset, found.wanted, number)
    last = heads_of(page, found.wanted.entity_type)
    if len(last) != count.clusters - number * PAGE_SIZE or not _is_sound([first[-1], *last]):
        return False
    read = sum(head.size for head in (*first, *last))
    unread = count.clusters - len(first) - len(last)
    # The largest come first, so those in between are as large as the ones around them.
    return read + unread * last[0].size <= count.images <= read + unread * first[-1].size


async def _is_steady(found: Honoured, first: Sequence[Head]) -> bool:
    """Whether clusters of one size keep their order: pages of a list that is not read as a whole must not overlap."""
    listing = found.listing
    again = await listing.explore.page(listing.dataset, found.wanted, 0)
    return heads_of(again, found.wanted.entity_type) == list(first)


async def _is_filtered(found: Honoured, count: ServerCount) -> bool:
    everything = await found.listing.explore.metadata(found.listing.dataset, found.wanted.without())
    return everything is None or everything.media_count != count.images


def _is_sound(heads: Sequence[Head]) -> bool:
    """Whether all are counted clusters of duplicates, largest first."""
    in_order = all(one.size >= other.size for one, other in pairwise(heads))
    return in_order and all(head.is_counted and head.size >= FEWEST_COPIES for head in heads)
