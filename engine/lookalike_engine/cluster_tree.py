"""Every cluster that any threshold has, worked out once when an index is published.

A cluster is what one merge made, as long as no other merge has swallowed it: at thresholds from its own similarity down
to, not including, that of the merge that swallows it. Laid out so that the members of every one are neighbours, a
cluster is a run of images, the clusters of a threshold are one comparison of two arrays, and no answer walks a tree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.linkage import Merges


@dataclass(frozen=True, slots=True)
class ClusterTree:
    """The clusters k of several images among n, by falling similarity."""

    order: NDArray[np.int32]
    """All images (n,): the members of every cluster side by side, the lowest rank of each first."""
    similarity: NDArray[np.floating]
    """Of the least alike pair of each cluster (k,)."""
    until: NDArray[np.floating]
    """The highest threshold at which it is part of a larger cluster (k,); -1 for never."""
    start: NDArray[np.int32]
    """Where its members begin in `order` (k,)."""
    size: NDArray[np.int32]
    """How many it has (k,)."""


def cluster_tree(merges: Merges, rank: NDArray[np.integer]) -> ClusterTree:
    """Return the clusters that the merges make of n images, their ranks `rank` (n,) a permutation of 0..n-1.

    Raises ValueError for merges that do not come by falling similarity.
    """
    if (np.diff(merges.similarity) > 0).any():
        raise ValueError("merges must come by falling similarity; sort them before they are published")
    n = len(rank)
    by_rank = np.empty(n, dtype=np.int32)
    by_rank[rank] = np.arange(n, dtype=np.int32)
    laid_out = _laid_out(rank[merges.first].tolist(), rank[merges.second].tolist(), n)
    until = np.full(len(merges.similarity), -1.0, dtype=merges.similarity.dtype)
    swallowed = laid_out.swallowed_by >= 0
    until[swallowed] = merges.similarity[laid_out.swallowed_by[swallowed]]
    lasting = until < merges.similarity  # of merges at one similarity only the last makes a cluster that is ever seen
    place = np.empty(n, dtype=np.int32)
    place[laid_out.order] = np.arange(n, dtype=np.int32)
    return ClusterTree(
        order=by_rank[laid_out.order],
        similarity=merges.similarity[lasting],
        until=until[lasting],
        start=place[laid_out.head[lasting]],
        size=laid_out.size[lasting],
    )


def rows_at(similarity: NDArray[np.floating], until: NDArray[np.floating], threshold: float) -> NDArray[np.int64]:
    """Return which clusters (k,) there are at this threshold; `similarity` and `until` (k,) are those of the tree."""
    formed = int(np.count_nonzero(similarity >= threshold))
    return np.flatnonzero(until[:formed] < threshold)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Of the merges: the first member, the number of members, and the merge that swallows it, -1 for none."""

    order: NDArray[np.int32]
    head: NDArray[np.int32]
    size: NDArray[np.int32]
    swallowed_by: NDArray[np.int32]


def _laid_out(first: list[int], second: list[int], n: int) -> _Layout:
    """Chain the members of each cluster, that of the lower number in front, and walk the chains."""
    head, tail, size, latest = list(range(n)), list(range(n)), [1] * n, [-1] * n
    following = [-1] * n
    merged_head, merged_size, swallowed_by = [0] * len(first), [0] * len(first), [-1] * len(first)
    for merge, (a, b) in enumerate(zip(first, second, strict=True)):
        if head[a] < head[b]:
            following[tail[a]] = head[b]
            tail[a] = tail[b]
        else:
            following[tail[b]] = head[a]
            head[a] = head[b]
        size[a] += size[b]
        for part in (latest[a], latest[b]):
            if part >= 0:
                swallowed_by[part] = merge
        latest[a], size[b] = merge, 0
        merged_head[merge], merged_size[merge] = head[a], size[a]
    order: list[int] = []
    for root in range(n):
        image = head[root] if size[root] else -1
        while image >= 0:
            order.append(image)
            image = following[image]
    return _Layout(
        *(np.array(found, dtype=np.int32) for found in (order, merged_head, merged_size, swallowed_by)),
    )
