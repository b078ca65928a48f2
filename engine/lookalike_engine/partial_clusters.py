"""Clusters of which only some images are asked for: those that are unique enough."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cluster_ids import cluster_ids
from lookalike_engine.cluster_table import ClusterTable, members_of
from lookalike_engine.keeper import Traits, exact_keepers
from lookalike_engine.runs import members_of_runs, sums_of_runs
from lookalike_engine.similarity import EXACT, SAME_HASH

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot


def table_of_parts(
    snapshot: "Snapshot", traits: Traits, whole: ClusterTable, rows: NDArray[np.integer], chosen: NDArray[np.bool_]
) -> ClusterTable:
    """Return what is left of these clusters of a table, where two or more images are left.

    `rows` are the clusters' numbers in the table, none of them sharing an image; `chosen` (n,) says which images stay.
    """
    images, cluster = members_of(whole, rows)
    images, cluster = images[chosen[images]], cluster[chosen[images]]
    left = np.bincount(cluster, minlength=len(rows))
    rows, images = rows[left > 1], images[left[cluster] > 1]
    size = left[left > 1]
    cluster, start = np.repeat(np.arange(len(size)), size), np.cumsum(size) - size
    images = images[np.lexsort((snapshot.keeper_rank[images], cluster))]
    exact = _all_of_one_picture(np.asarray(snapshot.representative)[images], cluster, size)
    keeper = images[start]
    keeper[exact] = exact_keepers(traits, images, start[exact], size[exact])
    ids = whole.id[rows]
    less = size < whole.size[rows]
    members, _ = members_of_runs(images, start[less], size[less])
    ids[less] = cluster_ids(snapshot.media_id[members], np.cumsum(size[less]) - size[less], size[less])
    return ClusterTable(
        id=ids,
        images=images,
        start=start,
        size=size,
        keeper=keeper,
        exact=exact,
        lowest_similarity=_lowest(snapshot, images, cluster, np.where(exact, EXACT, SAME_HASH)),
        removable_bytes=sums_of_runs(traits.file_size[images], start, size) - traits.file_size[keeper],
    )


def _all_of_one_picture(
    representative: NDArray[np.integer], cluster: NDArray[np.integer], size: NDArray[np.integer]
) -> NDArray[np.bool_]:
    some = np.empty(len(size), dtype=representative.dtype)
    some[cluster] = representative
    exact = size > 1
    exact[cluster[representative != some[cluster]]] = False
    return exact


def _lowest(
    snapshot: "Snapshot", images: NDArray[np.integer], cluster: NDArray[np.integer], lowest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Lower what is true of clusters of exact copies, or of twins, by the pairs within each."""
    # Every pair within a cluster was kept, between the images that stand for exact copies and twins.
    cluster_of = np.full(snapshot.image_count, -1, dtype=np.int64)
    cluster_of[np.asarray(snapshot.twin)[images]] = cluster
    first, second = cluster_of[snapshot.pair_first], cluster_of[snapshot.pair_second]
    within = (first == second) & (first >= 0)
    np.minimum.at(lowest, first[within], np.asarray(snapshot.pair_similarity)[within])
    return lowest
