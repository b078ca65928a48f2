"""Clusters of close pairs: what complete linkage promises, against a naive reference."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike_engine.linkage import Merges, clusters_at, link
from tests.graphs import LEVELS, Graph, graphs


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


@given(graphs(), st.data())
def test_the_order_of_the_pairs_decides_nothing(graph: Graph, data: st.DataObject) -> None:
    shuffled = Graph(graph.keys, dict(data.draw(st.permutations(list(graph.similarity.items())))))
    one, other = graph.link(), shuffled.link()
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in Merges.__slots__)


@given(graphs(), st.floats(LEVELS[0], 1.0))
def test_the_merges_of_a_threshold_are_the_first_of_all_merges(graph: Graph, threshold: float) -> None:
    above = Graph(graph.keys, {pair: s for pair, s in graph.similarity.items() if s >= threshold}).link()
    every = graph.link()
    kept = int(np.count_nonzero(every.similarity >= threshold))
    assert np.array_equal(above.first, every.first[:kept])
    assert np.array_equal(above.second, every.second[:kept])


@given(graphs())
def test_a_pair_below_the_floor_is_never_in_one_cluster(graph: Graph) -> None:
    for cluster in graph.clusters(0.0):
        assert all(graph.between(one, other) >= LEVELS[0] for one, other in combinations(cluster, 2))


@given(graphs(), st.sampled_from(LEVELS))
def test_no_two_clusters_could_be_one(graph: Graph, threshold: float) -> None:
    for a, b in combinations(graph.clusters(threshold), 2):
        assert min(graph.between(one, other) for one in a for other in b) < threshold


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
