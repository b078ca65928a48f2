"""Clusters and what is known of each, as columns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.runs import members_of_runs
from lookalike_engine.similarity import EXACT

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ClusterTable:
    """Some clusters t, in no order that means anything."""

    id: NDArray[np.uint8]
    """(t, 16)"""
    images: NDArray[np.integer]
    """Image numbers: the members of a cluster are a run of them."""
    start: NDArray[np.integer]
    """Where it begins (t,)."""
    size: NDArray[np.integer]
    """How many images each cluster has (t,)."""
    keeper: NDArray[np.integer]
    """The image to keep of each (t,)."""
    exact: NDArray[np.bool_]
    """Whether a cluster has several images, all pixel-equal (t,)."""
    lowest_similarity: NDArray[np.floating]
    """Over all pairs of the cluster (t,); 1.0 where there is none."""
    removable_bytes: NDArray[np.int64]
    """File sizes of all but the keeper (t,)."""


def table_of_several(snapshot: "Snapshot") -> ClusterTable:
    """Return every cluster of two or more that any threshold has, by falling similarity."""
    return ClusterTable(
        id=snapshot.cluster_id,
        images=snapshot.member_order,
        start=snapshot.cluster_start,
        size=snapshot.cluster_size,
        keeper=snapshot.cluster_keeper,
        exact=snapshot.cluster_exact,
        lowest_similarity=snapshot.cluster_similarity,
        removable_bytes=snapshot.cluster_removable_bytes,
    )


def table_of_singles(snapshot: "Snapshot") -> ClusterTable:
    """Return a cluster of each image alone, by the image's number."""
    n = snapshot.image_count
    everyone = np.arange(n, dtype=np.int32)
    return ClusterTable(
        id=snapshot.single_id,
        images=everyone,
        start=everyone,
        size=np.broadcast_to(np.int32(1), n),
        keeper=everyone,
        exact=np.broadcast_to(np.False_, n),
        lowest_similarity=np.broadcast_to(np.float64(EXACT), n),
        removable_bytes=np.broadcast_to(np.int64(0), n),
    )


def members_of(table: ClusterTable, rows: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """Return the images (m,) of these clusters (r,) of a table, and which of the rows 0..r-1 each is in (m,)."""
    return members_of_runs(table.images, table.start[rows], table.size[rows])
