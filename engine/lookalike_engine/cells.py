"""Cells: vectors parted by their nearest centroid, so that like is looked for among like.

The clustering and the search for the nearest centroids are faiss's, an optional package: it is large, and only datasets
above the size of an exhaustive comparison need it. It is imported where it is used.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.errors import EngineError

SEED: Final = 20260729
"""Of every sample that is drawn for an index: the same input gives the same index."""

TRAINING_ROUNDS: Final = 6
TRAINING_SHARE: Final = 24
"""Vectors drawn per cell to place the centroids by. 64 moved the measured recall by less than its own spread."""

TOO_CLOSE: Final = 0.25
"""Two centroids may not be closer than this share of the way (1 - cosine) between the farthest pairs looked for."""

_BATCH: Final = 8192


class MissingFaissError(EngineError):
    """An approximate index was asked for and the package that makes it is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "faiss-cpu is not installed: `pip install 'lookalike-mcp[large]'` brings it. "
            "Without it every picture is compared with every other, which takes the square of their number"
        )


def faiss_is_installed() -> bool:
    """Tell whether an approximate index can be made; takes no time, imports nothing."""
    return find_spec("faiss") is not None


def cells_for(vectors: int) -> int:
    """Return how many cells suit so many vectors: four times the square root, and never so many that they are empty."""
    return max(1, min(int(4 * vectors**0.5), vectors // 4))


class Cells:
    """Centroids of length 1, and the search for the nearest of them by inner product."""

    def __init__(self, centroids: NDArray[np.float32]) -> None:
        import faiss  # noqa: PLC0415 - 0.15 s and 40 MB that a small dataset never needs

        self.count = len(centroids)
        self._index = faiss.IndexFlatIP(centroids.shape[1])
        self._index.add(centroids)

    @staticmethod
    def train(
        sample: NDArray[np.float32], count: int, least_cosine: float, stop: Callable[[], None] = lambda: None
    ) -> "Cells":
        """Place at most `count` centroids among the sampled vectors (s, dim) of length 1; s >= count.

        Centroids much closer to each other than the pairs looked for, from `least_cosine` up, are thinned to one: they
        cut up a group so dense that most of its pairs would be in cells that are not probed. `stop` is called between
        the rounds, and raises to end the work. Raises MissingFaissError.
        """
        if not faiss_is_installed():
            raise MissingFaissError
        import faiss  # noqa: PLC0415

        drawn = np.random.default_rng(SEED).choice(len(sample), count, replace=False)
        centroids: NDArray[np.float32] = sample[np.sort(drawn)]
        for _ in range(TRAINING_ROUNDS):  # one at a time: faiss cannot be stopped within a call
            stop()
            rounds = faiss.Kmeans(
                sample.shape[1],
                count,
                niter=1,
                spherical=True,
                seed=SEED,
                min_points_per_centroid=1,
                max_points_per_centroid=len(sample),  # all of them, whatever falls to each
            )
            rounds.train(sample, init_centroids=centroids)
            centroids = np.asarray(rounds.centroids, dtype=np.float32)
        return Cells(_thinned(centroids, 1 - (1 - least_cosine) * TOO_CLOSE))

    def nearest(self, vectors: NDArray[np.float32], probes: int) -> NDArray[np.int64]:
        """Return the numbers of the `probes` cells nearest to each vector (v, dim), nearest first; (v, probes)."""
        found = np.empty((len(vectors), min(probes, self.count)), dtype=np.int64)
        for start in range(0, len(vectors), _BATCH):
            _, found[start : start + _BATCH] = self._index.search(vectors[start : start + _BATCH], found.shape[1])
        return found


def _thinned(centroids: NDArray[np.float32], closest: float) -> NDArray[np.float32]:
    """Leave out each centroid whose cosine with one before it, that is not left out itself, is above `closest`."""
    kept = np.zeros(len(centroids), dtype=bool)
    left = np.ones(len(centroids), dtype=bool)
    for number, centroid in enumerate(centroids):
        if left[number]:
            kept[number] = True
            left &= centroids @ centroid <= closest
    return centroids[kept]


def probes_for(ranks: NDArray[np.integer], choices: tuple[int, ...], target: float) -> int:
    """Return the fewest probes of the rising `choices` that reach the target share of sampled pairs; at worst the last.

    `ranks` (p,) is, of each pair, the place of the cell it is found in among the cells probed.
    """
    if not len(ranks):
        return choices[0]
    for probes in choices:
        if np.count_nonzero(ranks < probes) >= target * len(ranks):
            return probes
    return choices[-1]
