"""What a snapshot holds of its clusters: worked out once, so that a question only picks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cluster_ids import cluster_ids
from lookalike_engine.cluster_tree import cluster_tree
from lookalike_engine.keeper import Traits, exact_keepers, near_rank
from lookalike_engine.linkage import Merges
from lookalike_engine.runs import sums_of_runs


def cluster_arrays(
    merges: Merges, representative: NDArray[np.integer], traits: Traits, media_ids: NDArray[np.uint8]
) -> dict[str, NDArray[Any]]:
    """Return the arrays of n images and of the k clusters that any threshold has, by their names in a snapshot.

    `representative` (n,) is the image that stands for each one's exact copies, `media_ids` (n, 16) are their ids.
    Raises ValueError for merges that do not come by falling similarity.
    """
    rank = near_rank(traits)
    tree = cluster_tree(merges, rank)
    images = tree.order
    changes = representative[images[1:]] != representative[images[:-1]]
    exact = sums_of_runs(changes, tree.start, tree.size - 1) == 0
    keeper = images[tree.start]
    keeper[exact] = exact_keepers(traits, images, tree.start[exact], tree.size[exact])
    file_bytes = sums_of_runs(traits.file_size[images], tree.start, tree.size)
    everyone = np.arange(len(images), dtype=np.int32)
    return {
        "keeper_rank": rank,
        "media_id": media_ids,
        "single_id": cluster_ids(media_ids, everyone, np.ones_like(everyone)),
        "member_order": images,
        "cluster_id": cluster_ids(media_ids[images], tree.start, tree.size),
        "cluster_similarity": tree.similarity,
        "cluster_until": tree.until,
        "cluster_start": tree.start,
        "cluster_size": tree.size,
        "cluster_exact": exact,
        "cluster_keeper": keeper,
        "cluster_removable_bytes": file_bytes - traits.file_size[keeper],
    }
