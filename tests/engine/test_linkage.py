"""Clusters of close pairs: what complete linkage promises, against a naive reference."""

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
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
    level = st.one_of(st.none(), *[st.just(level) for level in LEVELS])
    pairs = {pair: s for pair in combinations(range(n), 2) if (s := draw(level)) is not None}
    return Graph([bytes([number]) for number in numbers], pairs)


def naive_clusters(graph: Graph, threshold: float) -> set[frozenset[bytes]]:
    """Agglomerate from the definition: of all pairs of clusters, merge the one whose last pair is walked first."""
    walk = sorted(
        (-similarity, *sorted((graph.keys[a], graph.keys[b])))
        for (a, b), similarity in graph.similarity.items()
        if similarity >= threshold
    )
    place = {frozenset((one, other)): position for position, (_, one, other) in enumerate(walk)}
    never = len(walk)
    clusters = {frozenset([key]) for key in graph.keys}
    while len(clusters) > 1:
        last = {
            (a, b): max(place.get(frozenset((one, other)), never) for one in a for other in b)
            for a, b in combinations(clusters, 2)
        }
        (a, b), position = min(last.items(), key=lambda item: item[1])
        if position == never:
            break
        clusters = clusters - {a, b} | {a | b}
    return clusters


@given(graphs(), st.sampled_from(LEVELS))
def test_clusters_are_those_of_naive_complete_linkage(graph: Graph, threshold: float) -> None:
    assert graph.clusters(threshold) == naive_clusters(graph, threshold)


@given(graphs(), st.sampled_from(LEVELS))
def test_every_image_is_in_exactly_one_cluster(graph: Graph, threshold: float) -> None:
    assert sorted(key for cluster in graph.clusters(threshold) for key in cluster) == sorted(graph.keys)


@given(graphs(), st.sampled_from(LEVELS), st.data())
def test_the_order_of_the_images_decides_nothing(graph: Graph, threshold: float, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(graph.keys))))
    assert graph.renumbered(list(order)).clusters(threshold) == graph.clusters(threshold)


@given(graphs())
def test_clusters_only_grow_as_the_threshold_falls(graph: Graph) -> None:
    for lower, higher in pairwise(LEVELS):
        coarse = graph.clusters(lower)
        assert all(any(fine <= cluster for cluster in coarse) for fine in graph.clusters(higher))


@given(graphs(), st.sampled_from(LEVELS))
def test_the_lowest_pair_of_every_cluster_reaches_the_threshold(graph: Graph, threshold: float) -> None:
    for cluster in graph.clusters(threshold):
        assert all(graph.between(one, other) >= threshold for one, other in combinations(cluster, 2))


@given(graphs())
def test_a_merge_has_the_lowest_similarity_of_its_cluster(graph: Graph) -> None:
    merges = graph.link()
    assert merges.similarity.tolist() == sorted(merges.similarity.tolist(), reverse=True)
    for done in range(1, len(merges.similarity) + 1):
        so_far = Merges(merges.first[:done], merges.second[:done], merges.similarity[:done])
        labels = clusters_at(so_far, 0.0, len(graph.keys))
        members = np.flatnonzero(labels == labels[merges.second[done - 1]])
        lowest = min(graph.between(graph.keys[a], graph.keys[b]) for a, b in combinations(members, 2))
        assert lowest == merges.similarity[done - 1]


def test_a_chain_does_not_become_one_cluster() -> None:
    chain = Graph([b"a", b"b", b"c"], {(0, 1): 0.99, (1, 2): 0.98})
    assert chain.clusters(0.70) == {frozenset([b"a", b"b"]), frozenset([b"c"])}


def test_of_two_equally_close_pairs_the_smaller_byte_hash_wins() -> None:
    tie = {(0, 1): 0.96, (1, 2): 0.96}
    assert Graph([b"c", b"b", b"a"], tie).clusters(0.95) == {frozenset([b"a", b"b"]), frozenset([b"c"])}
    assert Graph([b"a", b"b", b"c"], tie).clusters(0.95) == {frozenset([b"a", b"b"]), frozenset([b"c"])}


def test_then_the_larger_byte_hash_decides() -> None:
    star = Graph([b"d", b"c", b"a"], {(0, 2): 0.96, (1, 2): 0.96})
    assert star.clusters(0.95) == {frozenset([b"a", b"c"]), frozenset([b"d"])}


def test_images_without_any_close_pair_stay_alone() -> None:
    assert Graph([b"a", b"b"], {}).clusters(0.70) == {frozenset([b"a"]), frozenset([b"b"])}


def test_what_the_stop_callback_raises_ends_the_linking() -> None:
    def stop() -> None:
        raise InterruptedError

    graph = Graph([b"a", b"b"], {(0, 1): 0.95})
    with pytest.raises(InterruptedError):
        link(graph, np.array([0.95]), graph.keys, 2, stop=stop)
