"""Clusters as runs: the members of each side by side in one array."""

import numpy as np
from numpy.typing import NDArray


def members_of_runs(
    images: NDArray[np.integer], start: NDArray[np.integer], size: NDArray[np.integer]
) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """Return the images (m,) of the runs `start` to `start + size` - 1 (c,), run after run, and each one's run (m,)."""
    run = np.repeat(np.arange(len(size)), size)
    skipped = start - (np.cumsum(size, dtype=np.int64) - size)
    return images[skipped[run] + np.arange(len(run))], run


def sums_of_runs(
    values: NDArray[np.integer], start: NDArray[np.integer], size: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return the sum of each run (c,) of `values`."""
    up_to = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    total: NDArray[np.int64] = up_to[start + size] - up_to[start]
    return total
