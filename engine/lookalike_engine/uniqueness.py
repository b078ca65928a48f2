"""How unlike everything else an image is, compared with the other images of its dataset."""

import numpy as np
from numpy.typing import NDArray


def uniqueness(nearest_similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each image, the share of the *other* images whose nearest image is nearer than this one's.

    `nearest_similarity` (n,) holds each image's similarity to its nearest other one, 0-1. The result (n,) is in 0-1:
    0.8 reads "more unlike everything else than 80 % of this dataset". A dataset's only image has 1.0.
    """
    n = len(nearest_similarity)
    if n == 1:
        return np.ones(1)
    ordered = np.sort(nearest_similarity)
    nearer = n - np.searchsorted(ordered, nearest_similarity, side="right")
    return nearer / max(n - 1, 1)
