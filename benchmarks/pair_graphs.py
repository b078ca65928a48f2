"""Made-up close pairs of many images, as folders have them: for measuring what becomes of pairs."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR: Final = 0.70
_HIGHEST: Final = 0.999
_IN_CLIQUES: Final = 0.5
"""Share of the images."""
_IN_CHAINS: Final = 0.2
_BESIDE: Final = (1, 2, 3)
"""How far apart in a chain two images may be and still be close: neighbours of neighbours are, the rest is not."""
_PAIRS_IN_DENSE_GROUPS: Final = 0.4
"""Share of the pairs."""
_TIED: Final = 0.3
"""Share of the pairs whose similarity is one of a few."""


@dataclass(frozen=True, slots=True)
class PairGraph:
    """n images and p pairs, each pair once, first < second, at 0.70-0.999."""

    n: int
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    similarity: NDArray[np.float64]


def pair_graph(n: int, p: int, seed: int) -> PairGraph:
    """Make a graph of exactly p pairs: many small cliques, a few dense groups of hundreds, chains, chance pairs, ties.

    The images are numbered at random. p is to be some 3 to 10 times n, n 1,000 or more.
    """
    rng = np.random.default_rng(seed)
    cliques = _blocks(rng, 0, int(n * _IN_CLIQUES), 2, 6)
    chains = _blocks(rng, int(n * _IN_CLIQUES), int(n * (_IN_CLIQUES + _IN_CHAINS)), 20, 200)
    rest = int(n * (_IN_CLIQUES + _IN_CHAINS))
    dense: list[tuple[int, int]] = []
    pairs = 0
    while pairs < p * _PAIRS_IN_DENSE_GROUPS:
        size = int(rng.integers(200, 600))
        if rest + size > n:
            break
        dense.append((rest, rest + size))
        rest, pairs = rest + size, pairs + size * (size - 1) // 2
    parts = [
        (_all_pairs(cliques), 0.93),
        (_all_pairs(dense), 0.85),
        (_beside(chains), 0.80),
    ]
    keys = np.concatenate([found[:, 0] * n + found[:, 1] for found, _ in parts])
    low = np.concatenate([np.full(len(found), lowest) for found, lowest in parts])
    while len(keys) < p:  # chance pairs, between any two images
        ends = np.sort(rng.integers(0, n, (p - len(keys), 2)), axis=1)
        chance = ends[ends[:, 0] < ends[:, 1]]
        keys, place = np.unique(np.concatenate([keys, chance[:, 0] * n + chance[:, 1]]), return_index=True)
        low = np.concatenate([low, np.full(len(chance), FLOOR)])[place]
    kept = rng.permutation(len(keys))[:p]
    keys, low = keys[kept], low[kept]
    similarity = low + (_HIGHEST - low) * rng.random(p)
    tied = rng.random(p) < _TIED
    similarity[tied] = np.maximum(np.round(similarity[tied], 2), FLOOR)
    number = rng.permutation(n)
    ends = np.sort(np.stack([number[keys // n], number[keys % n]], axis=1), axis=1).astype(np.int32)
    order = np.lexsort((ends[:, 1], ends[:, 0], -np.minimum(similarity, _HIGHEST)))
    return PairGraph(n, ends[order, 0], ends[order, 1], np.minimum(similarity, _HIGHEST)[order])


def _blocks(rng: np.random.Generator, start: int, end: int, smallest: int, largest: int) -> list[tuple[int, int]]:
    """Cut the images from `start` to `end` into blocks of random sizes."""
    sizes = rng.integers(smallest, largest + 1, 1 + (end - start) // smallest)
    cuts = start + np.concatenate([[0], np.cumsum(sizes)])
    cuts = cuts[cuts <= end].tolist()
    return list(pairwise(cuts))


def _all_pairs(blocks: list[tuple[int, int]]) -> NDArray[np.int64]:
    found = [np.zeros((0, 2), dtype=np.int64)]
    starts = np.array([start for start, _ in blocks], dtype=np.int64)
    sizes = np.array([end - start for start, end in blocks], dtype=np.int64)
    for size in np.unique(sizes):
        within = np.stack(np.triu_indices(size, 1), axis=1)
        found.append((starts[sizes == size][:, None, None] + within).reshape(-1, 2))
    return np.concatenate(found)


def _beside(blocks: list[tuple[int, int]]) -> NDArray[np.int64]:
    found = [np.zeros((0, 2), dtype=np.int64)]
    for start, end in blocks:
        for step in _BESIDE:
            one = np.arange(start, end - step, dtype=np.int64)
            found.append(np.stack([one, one + step], axis=1))
    return np.concatenate(found)
