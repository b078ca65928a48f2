"""Sparse complete linkage: clusters whose every pair is alike, at any threshold, from the close pairs alone.

The pairs are walked by falling similarity; two clusters merge when the *last* pair between them has been walked, at
that pair's similarity. A pair below the floor is never walked, so its clusters never merge and no square matrix is
needed. The merges come out by falling similarity: the clusters at a threshold are a prefix of them, so they nest as it
falls. Each pair is looked at once, and the cluster with fewer neighbours is folded into the other: O(pairs · log n).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

_STRIDE: Final = 1 << 16


class Edges(Protocol):
    """The two ends of each pair; an image is paired with another at most once, never with itself."""

    @property
    def first(self) -> NDArray[np.integer]:
        """One image's number (p,)."""
        ...

    @property
    def second(self) -> NDArray[np.integer]:
        """The other's (p,)."""
        ...


@dataclass(frozen=True, slots=True)
class Merges:
    """The merges in order: `second`, until then the root of a cluster, joins the cluster whose root is `first`."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    similarity: NDArray[np.float64]
    """The lowest similarity of any pair in the merged cluster, 0-1, never rising."""


def link(
    pairs: Edges,
    similarities: NDArray[np.float64],
    tie_keys: Sequence[bytes],
    n: int,
    *,
    stop: Callable[[], None] = lambda: None,
) -> Merges:
    """Merge n images by their close pairs.

    `similarities` (p,) are the pairs'; `tie_keys` (n distinct byte strings, the byte hashes) order pairs that are
    equally alike, by the smaller and then the larger key, so that the numbering of the images decides nothing.
    `stop` is called now and then, and raises to end the work.
    """
    walk = walking_order(pairs, similarities, tie_keys)
    root = list(range(n))
    size = [1] * n
    nothing: dict[int, int] = {}  # never written to: most images never need one of their own
    walked = [nothing] * n
    merges: list[tuple[int, int, float]] = []
    for one, other, similarity in _walked(pairs, similarities, walk, stop):
        a, b = one, other
        while root[a] != a:
            root[a] = a = root[root[a]]
        while root[b] != b:
            root[b] = b = root[root[b]]
        needed = size[a] * size[b]
        if needed > 1:
            count = walked[a].get(b, 0) + 1
            if count < needed:
                if count == 1:
                    walked[a] = walked[a] or {}
                    walked[b] = walked[b] or {}
                walked[a][b] = walked[b][a] = count
                continue
        if len(walked[a]) < len(walked[b]):
            a, b = b, a
        _fold(walked, a, b)
        root[b] = a
        size[a] += size[b]
        merges.append((a, b, similarity))
    return Merges(
        first=np.array([first for first, _, _ in merges], dtype=np.int32),
        second=np.array([second for _, second, _ in merges], dtype=np.int32),
        similarity=np.array([similarity for _, _, similarity in merges], dtype=np.float64),
    )


def _walked(
    pairs: Edges, similarities: NDArray[np.float64], walk: NDArray[np.int64], stop: Callable[[], None]
) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(walk), _STRIDE):  # as Python's own numbers pairs take ten times the memory
        stop()
        part = walk[start : start + _STRIDE]
        yield from zip(
            pairs.first[part].tolist(), pairs.second[part].tolist(), similarities[part].tolist(), strict=True
        )


def walking_order(pairs: Edges, similarities: NDArray[np.float64], tie_keys: Sequence[bytes]) -> NDArray[np.int64]:
    """Return the pairs' numbers (p,) by falling similarity, then by the smaller and the larger tie key."""
    rank = np.empty(len(tie_keys), dtype=np.int64)
    rank[sorted(range(len(tie_keys)), key=tie_keys.__getitem__)] = np.arange(len(tie_keys))
    first, second = rank[pairs.first], rank[pairs.second]
    return np.lexsort((np.maximum(first, second), np.minimum(first, second), -similarities))


def clusters_at(merges: Merges, threshold: float, n: int) -> NDArray[np.int32]:
    """Return each image's cluster at this threshold (n,), named by the smallest number in it."""
    joined = int(np.count_nonzero(merges.similarity >= threshold))
    root = np.arange(n, dtype=np.int32)
    root[merges.second[:joined]] = merges.first[:joined]
    while True:
        higher = root[root]
        if np.array_equal(higher, root):
            break
        root = higher
    smallest = np.full(n, n, dtype=np.int32)
    np.minimum.at(smallest, root, np.arange(n, dtype=np.int32))
    return smallest[root]


def _fold(walked: list[dict[int, int]], kept: int, absorbed: int) -> None:
    """Add the absorbed cluster's counts of walked pairs to the kept one's."""
    for neighbour, count in walked[absorbed].items():
        if neighbour == kept:
            continue
        total = walked[kept].get(neighbour, 0) + count
        walked[kept][neighbour] = walked[neighbour][kept] = total
        del walked[neighbour][absorbed]
    walked[kept].pop(absorbed, None)
    walked[absorbed].clear()
