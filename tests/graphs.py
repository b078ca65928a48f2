"""Random graphs of close pairs, for what is promised of their clusters."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike_engine.linkage import Merges, clusters_at, link

LEVELS = [0.70, 0.80, 0.90, 0.95, 0.99]


@dataclass(frozen=True)
class Graph:
    """Images named by their tie keys, and the similarity of those that are close."""

    keys: list[bytes]
    similarity: dict[tuple[int, int], float]

    @property
    def first(self) -> NDArray[np.int32]:
        return np.array([first for first, _ in self.similarity], dtype=np.int32)

    @property
    def second(self) -> NDArray[np.int32]:
        return np.array([second for _, second in self.similarity], dtype=np.int32)

    def link(self) -> Merges:
        return link(self, np.array(list(self.similarity.values())), self.keys, len(self.keys))

    def clusters(self, threshold: float) -> set[frozenset[bytes]]:
        labels = clusters_at(self.link(), threshold, len(self.keys))
        return {frozenset(self.keys[image] for image in np.flatnonzero(labels == label)) for label in set(labels)}

    def renumbered(self, order: list[int]) -> "Graph":
        place = {old: new for new, old in enumerate(order)}
        pairs = {(min(place[a], place[b]), max(place[a], place[b])): s for (a, b), s in self.similarity.items()}
        return Graph([self.keys[old] for old in order], pairs)

    def between(self, one: bytes, other: bytes) -> float:
        a, b = sorted((self.keys.index(one), self.keys.index(other)))
        return self.similarity.get((a, b), 0.0)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    n = draw(st.integers(1, 9))
    numbers = draw(st.permutations(range(n)))
    # Few levels make many ties; a low chance of no pair at all makes large cliques.
    levels = [st.just(level) for level in LEVELS]
    level = st.one_of(st.none(), *(levels if draw(st.booleans()) else [st.floats(LEVELS[0], 0.999)]))
    pairs = {pair: s for pair in combinations(range(n), 2) if (s := draw(level)) is not None}
    return Graph([bytes([number]) for number in numbers], pairs)
