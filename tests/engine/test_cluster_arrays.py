"""What an index holds of its clusters is what the merges say, at every threshold."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike_engine.cluster_arrays import cluster_arrays
from lookalike_engine.cluster_ids import in_order, place_of, short_lengths, uuid_rows, uuid_texts
from lookalike_engine.cluster_tree import cluster_tree, rows_at
from lookalike_engine.keeper import Traits, best_first
from lookalike_engine.linkage import Merges, clusters_at
from tests.graphs import LEVELS, graphs

NAMESPACE = uuid.UUID("0b8d5f86-64c1-5c0e-8a4b-5b2f2f6f6c1e")
"""Ids that people have written down must not change."""


@dataclass(frozen=True)
class Album:
    """Images of which some are exact copies of others, all with their merges."""

    merges: Merges
    representative: NDArray[np.int32]
    traits: Traits
    media_ids: list[str]

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        return cluster_arrays(self.merges, self.representative, self.traits, uuid_rows(self.media_ids))

    def clusters(self, threshold: float) -> dict[frozenset[int], int]:
        """Return the clusters of two or more, and each one's row among the arrays."""
        arrays = self.arrays
        found: dict[frozenset[int], int] = {}
        for row in rows_at(arrays["cluster_similarity"], arrays["cluster_until"], threshold).tolist():
            start, size = arrays["cluster_start"][row], arrays["cluster_size"][row]
            found[frozenset(arrays["member_order"][start : start + size].tolist())] = row
        return found


@st.composite
def albums(draw: st.DrawFn) -> Album:
    graph = draw(graphs())
    standing = len(graph.keys)
    copies = draw(st.lists(st.integers(0, standing - 1), max_size=5))
    n = standing + len(copies)
    linked = graph.link()
    merges = Merges(
        np.concatenate([np.array(copies, dtype=np.int32), linked.first]),
        np.concatenate([np.arange(standing, n, dtype=np.int32), linked.second]),
        np.concatenate([np.ones(len(copies)), linked.similarity]),
    )
    few: Callable[[], list[int]] = lambda: draw(st.lists(st.integers(1, 3), min_size=n, max_size=n))  # noqa: E731
    return Album(
        merges,
        np.array([*range(standing), *copies], dtype=np.int32),
        Traits(*(np.array(few(), dtype=np.int64) for _ in range(4))),
        [str(uuid.uuid5(NAMESPACE, repr((place, copies)))) for place in range(n)],
    )


THRESHOLDS = st.one_of(st.sampled_from([*LEVELS, 1.0]), st.floats(LEVELS[0], 1.0))


@given(albums(), THRESHOLDS)
def test_the_clusters_of_a_threshold_are_those_of_the_merges(album: Album, threshold: float) -> None:
    labels = clusters_at(album.merges, threshold, len(album.media_ids))
    groups = [frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())]
    assert set(album.clusters(threshold)) == {group for group in groups if len(group) > 1}


@given(albums(), THRESHOLDS)
def test_a_cluster_is_named_after_the_sorted_ids_of_its_members(album: Album, threshold: float) -> None:
    for members, row in album.clusters(threshold).items():
        names = "\n".join(sorted(album.media_ids[image] for image in members))
        assert uuid_texts(album.arrays["cluster_id"][[row]]) == [str(uuid.uuid5(NAMESPACE, names))]


@given(albums())
def test_an_image_alone_is_named_after_its_id(album: Album) -> None:
    alone = [str(uuid.uuid5(NAMESPACE, media_id)) for media_id in album.media_ids]
    assert uuid_texts(album.arrays["single_id"]) == alone


@given(albums(), THRESHOLDS)
def test_keeper_exactness_and_removable_bytes_are_those_of_the_members(album: Album, threshold: float) -> None:
    arrays = album.arrays
    for members, row in album.clusters(threshold).items():
        images = np.array(sorted(members))
        exact = len({int(album.representative[image]) for image in members}) == 1
        together = np.zeros(len(images), dtype=np.int64)
        keeper = images[best_first(album.traits, images, together, np.full(len(images), exact))[0]]
        assert (arrays["cluster_exact"][row], arrays["cluster_keeper"][row]) == (exact, keeper)
        sizes = album.traits.file_size
        assert arrays["cluster_removable_bytes"][row] == sizes[images].sum() - sizes[keeper]


def test_merges_that_rise_again_are_refused() -> None:
    rising = Merges(np.array([0, 2], np.int32), np.array([1, 3], np.int32), np.array([0.8, 0.9]))
    with pytest.raises(ValueError, match="falling"):
        cluster_tree(rising, np.arange(4))


def test_a_short_id_is_long_enough_to_be_no_other_one() -> None:
    ids = [
        "00000000-0000-5000-8000-000000000000",
        "00000000-0000-5000-8000-000000000001",
        "11111111-1000-5000-8000-000000000000",
        "11111111-2000-5000-8000-000000000000",
        "22222222-0000-5000-8000-000000000000",
    ]
    rows = uuid_rows(ids)[::-1]
    lengths = short_lengths(rows, in_order(rows))
    assert lengths.tolist() == [8, 10, 10, 36, 36]


@given(st.lists(st.uuids(), unique=True, max_size=20))
def test_ids_as_rows_are_ordered_and_found_as_their_texts_are(ids: list[uuid.UUID]) -> None:
    texts = [str(each) for each in ids]
    rows = uuid_rows(texts)
    assert [texts[place] for place in in_order(rows)] == sorted(texts)
    assert [place_of(rows, text) for text in texts] == list(range(len(texts)))


@pytest.mark.parametrize("unknown", ["", "nonsense", "3F2A91C0-0000-5000-8000-000000000000", "3f2a91c0"])
def test_a_text_that_is_no_id_is_not_found(unknown: str) -> None:
    assert place_of(uuid_rows(["3f2a91c0-0000-5000-8000-000000000000"]), unknown) is None
