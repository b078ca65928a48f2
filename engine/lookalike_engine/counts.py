"""The numbers behind a question: totals, cluster sizes, folders, and the folders that clusters span."""

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.catalogue import Catalogue
from lookalike_engine.clusters import Clusters
from lookalike_engine.pages import PAGE_SIZE
from lookalike_engine.similarity import NEAR_DUPLICATE
from lookalike_engine.vql import Filters

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot

_MOST_GROUPS: Final = 100


def counts(catalogue: Catalogue, filters: Filters, *, group_by_folder: bool) -> dict[str, Any]:
    """Return the answer of `exploration_metadata`, without its `metadata`.

    `cluster_count` counts what the filters select. All else is true of the whole dataset at the similarity of the
    `duplicates` filter, else at 0.95.
    """
    snapshot = catalogue.snapshot
    similarity = NEAR_DUPLICATE if filters.duplicates is None else filters.duplicates
    duplicates = catalogue.clusters(Filters(duplicates=similarity))
    sizes, clusters = np.unique(duplicates.sizes, return_counts=True)
    answer: dict[str, Any] = {
        "cluster_count": len(catalogue.clusters(filters)),
        "page_size": PAGE_SIZE,
        "totals": _totals(snapshot, duplicates),
        "sizes": [{"n": n, "clusters": count} for n, count in zip(sizes.tolist(), clusters.tolist(), strict=True)],
        "closest_similarity": snapshot.closest_similarity,
        "highest_uniqueness": _highest_uniqueness(snapshot),
    }
    return answer | _by_folder(snapshot, duplicates) if group_by_folder else answer


def _totals(snapshot: "Snapshot", duplicates: Clusters) -> dict[str, int]:
    clustered, clusters = int(duplicates.sizes.sum()), len(duplicates)
    return {
        "images": snapshot.image_count,
        "clustered": clustered,
        "single": snapshot.image_count - clustered,
        "clusters": clusters,
        "removable": clustered - clusters,
        "bytes_removable": duplicates.removable_bytes,
        "skipped": snapshot.skipped_count,
        "aliases": snapshot.alias_count,
    }


def _highest_uniqueness(snapshot: "Snapshot") -> float | None:
    uniqueness = np.asarray(snapshot.uniqueness)
    possible = uniqueness[(np.asarray(snapshot.nearest_similarity) < NEAR_DUPLICATE) & ~np.isnan(uniqueness)]
    return float(possible.max()) if possible.size else None


def _by_folder(snapshot: "Snapshot", duplicates: Clusters) -> dict[str, Any]:
    folder = np.asarray(snapshot.folder)
    images = np.bincount(folder, minlength=len(snapshot.folders))
    members, cluster = duplicates.members()
    removable = np.bincount(folder[members], minlength=len(images)) - np.bincount(
        folder[duplicates.keepers], minlength=len(images)
    )
    most_first = np.lexsort((np.arange(len(images)), -removable))  # the folders are in alphabetical order
    groups = [
        {"name": snapshot.folders[number], "images": int(images[number]), "removable": int(removable[number])}
        for number in most_first
    ]
    spans = _spans(folder[members], cluster, snapshot.folders)
    across = sorted(spans.items(), key=lambda item: (-item[1], item[0]))
    return {
        "groups": groups[:_MOST_GROUPS],
        "groups_total": len(groups),
        "across": [{"a": a, "b": b, "clusters": count} for (a, b), count in across[:_MOST_GROUPS]],
        "across_total": len(across),
    }


def _spans(folder: NDArray[np.integer], cluster: NDArray[np.int64], names: list[str]) -> Counter[tuple[str, str]]:
    """Count the clusters that each two folders share; `folder` and `cluster` (m,) are those of each member."""
    cluster, folder = np.divmod(np.unique(cluster * len(names) + folder), len(names))
    count = np.bincount(cluster)
    starts = np.cumsum(count) - count
    shared = [np.zeros(0, dtype=np.int64)]
    for width in np.unique(count[count > 1]).tolist():
        beside = folder[starts[count == width][:, None] + np.arange(width)]  # rising, in each row
        one, other = np.triu_indices(width, 1)
        shared.append((beside[:, one] * len(names) + beside[:, other]).reshape(-1))
    together, clusters = np.unique(np.concatenate(shared), return_counts=True)
    one, other = np.divmod(together, len(names))
    ends = zip(one.tolist(), other.tolist(), clusters.tolist(), strict=True)
    return Counter({(names[a], names[b]): times for a, b, times in ends})
