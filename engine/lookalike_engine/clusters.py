"""The clusters that a question selects, in the order in which they are shown."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.keeper import Traits, best_first
from lookalike_engine.linkage import Merges, clusters_at
from lookalike_engine.similarity import EXACT, NEAR_DUPLICATE, SAME_HASH
from lookalike_engine.vql import Filters

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot

_NAMESPACE: Final = uuid.UUID("0b8d5f86-64c1-5c0e-8a4b-5b2f2f6f6c1e")
_SHORTEST_ID: Final = 8


@dataclass(frozen=True, slots=True)
class Clusters:
    """The selected clusters c, in order; their images m, grouped by cluster, the best keeper of each first."""

    ids: list[str]
    short_ids: list[str]
    offsets: NDArray[np.int64]
    """Where each cluster's images start, and the end of the last (c + 1,)."""
    images: NDArray[np.int64]
    """Image numbers (m,)."""
    exact: NDArray[np.bool_]
    """Whether a cluster has several images, all pixel-equal (c,)."""
    lowest_similarity: NDArray[np.float64]
    """Over all pairs of the cluster (c,); 1.0 where there is none."""
    removable_bytes: NDArray[np.int64]
    """File sizes of all but the keeper (c,)."""

    def members(self, cluster: int) -> NDArray[np.int64]:
        """Return the images of one cluster, the best keeper first."""
        return self.images[self.offsets[cluster] : self.offsets[cluster + 1]]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many images each cluster has (c,)."""
        return np.diff(self.offsets)

    @property
    def keepers(self) -> NDArray[np.int64]:
        """The image to keep of each cluster (c,)."""
        return self.images[self.offsets[:-1]]


def select_clusters(snapshot: "Snapshot", traits: Traits, media_ids: Sequence[str], filters: Filters) -> Clusters:
    """Return the clusters that the filters ask for.

    Duplicates: clusters of two or more, largest first. Uniqueness alone: one image each, most unique first. Both:
    duplicate clusters of the images that are unique enough. Neither: all images, clustered at 0.95, largest first.
    Equals are ordered by cluster id.
    """
    uniqueness = np.asarray(snapshot.uniqueness)
    chosen = np.ones(snapshot.image_count, dtype=np.bool_)
    if filters.uniqueness is not None:
        chosen &= uniqueness >= filters.uniqueness
    only_unique = filters.uniqueness is not None and filters.duplicates is None
    if only_unique:
        chosen &= np.asarray(snapshot.nearest_similarity) < NEAR_DUPLICATE
        labels = np.arange(snapshot.image_count, dtype=np.int32)
    else:
        labels = labels_at(snapshot, NEAR_DUPLICATE if filters.duplicates is None else filters.duplicates)
    if filters.duplicates is not None:
        chosen &= (np.bincount(labels[chosen], minlength=len(labels)) > 1)[labels]
    images = np.flatnonzero(chosen)
    _, cluster, counts = np.unique(labels[images], return_inverse=True, return_counts=True)
    exact = _all_of_one_picture(np.asarray(snapshot.representative)[images], cluster, counts)
    images = images[best_first(traits, images, cluster, exact[cluster])]
    parts = np.split(images, np.cumsum(counts)[:-1]) if len(counts) else []
    ids = [_cluster_id([media_ids[int(image)] for image in part]) for part in parts]
    rank = -uniqueness[images] if only_unique else -counts
    order = sorted(range(len(ids)), key=lambda place: (rank[place], ids[place]))
    return _assembled(snapshot, [parts[place] for place in order], [ids[place] for place in order], exact[order])


def labels_at(snapshot: "Snapshot", similarity: float) -> NDArray[np.int32]:
    """Return every image's cluster at this similarity, named by the smallest image in it."""
    merges = Merges(snapshot.merge_first, snapshot.merge_second, snapshot.merge_similarity)
    return clusters_at(merges, similarity, snapshot.image_count)


def _all_of_one_picture(
    representative: NDArray[np.integer], cluster: NDArray[np.integer], counts: NDArray[np.integer]
) -> NDArray[np.bool_]:
    some = np.empty(len(counts), dtype=representative.dtype)
    some[cluster] = representative
    exact = counts > 1
    exact[cluster[representative != some[cluster]]] = False
    return exact


def _assembled(
    snapshot: "Snapshot", parts: Sequence[NDArray[np.int64]], ids: list[str], exact: NDArray[np.bool_]
) -> Clusters:
    images = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    cluster = np.repeat(np.arange(len(parts)), np.diff(offsets))
    removable = np.zeros(len(parts), dtype=np.int64)
    np.add.at(removable, cluster, np.asarray(snapshot.file_size)[images])
    removable -= np.asarray(snapshot.file_size)[images[offsets[:-1]]]
    return Clusters(
        ids=ids,
        short_ids=_short_ids(ids),
        offsets=offsets,
        images=images,
        exact=exact,
        lowest_similarity=_lowest(
            snapshot, images, cluster, np.where(exact | (np.diff(offsets) == 1), EXACT, SAME_HASH)
        ),
        removable_bytes=removable,
    )


def _lowest(
    snapshot: "Snapshot", images: NDArray[np.int64], cluster: NDArray[np.int64], lowest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Lower what is true of clusters of exact copies, or of twins, by the pairs within each."""
    # Every pair within a cluster was kept, between the images that stand for exact copies and twins.
    cluster_of = np.full(snapshot.image_count, -1, dtype=np.int64)
    cluster_of[np.asarray(snapshot.twin)[images]] = cluster
    first, second = cluster_of[snapshot.pair_first], cluster_of[snapshot.pair_second]
    within = (first == second) & (first >= 0)
    np.minimum.at(lowest, first[within], np.asarray(snapshot.pair_similarity)[within])
    return lowest


def _cluster_id(media_ids: list[str]) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\n".join(sorted(media_ids))))


def _short_ids(ids: list[str]) -> list[str]:
    """Cut each id after the first character, from the eighth on, that no other id shares up to there."""
    ordered = sorted(ids)
    needed = dict.fromkeys(ordered, _SHORTEST_ID)
    for one, other in pairwise(ordered):
        differ = next(place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b) + 1
        needed[one], needed[other] = max(needed[one], differ), max(needed[other], differ)
    return [cluster_id[: needed[cluster_id]] for cluster_id in ids]
