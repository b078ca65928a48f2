"""Does the similarity scale hold for this dataset? False matches by the scale, against those found between its images.

One image of each cluster at 0.95 stands for a distinct picture. Pairs of them between a similarity and 0.95 are false
matches, or true copies too heavily edited for 0.95; their number is therefore an upper bound.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.similarity import FALSE_MATCH_RATE, NEAR_DUPLICATE

ENOUGH: Final = 10
"""False pairs to be expected before their number says anything."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The outcome of the check; `similarity`, `expected` and `observed` are absent where it could not be made."""

    similarity: float | None = None
    expected: float | None = None
    observed: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as the Explore API shows it."""
        if self.similarity is None:
            return {"checked": False, "reason": "too few images to check"}
        return {
            "checked": True,
            "similarity": self.similarity,
            "expected": self.expected,
            "observed": self.observed,
        }


def check_calibration(
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    similarity: NDArray[np.float64],
    clusters: NDArray[np.integer],
    *,
    floor: float,
) -> Calibration:
    """Compare at the highest similarity, from `floor` (0-1) up, where at least 10 false pairs are to be expected.

    `first`, `second` and `similarity` (p,) are all pairs from the floor up; `clusters` (n,) is each image's cluster at
    0.95, named by the smallest image in it.
    """
    distinct = clusters == np.arange(len(clusters))
    m = int(np.count_nonzero(distinct))
    for level, rate in sorted(FALSE_MATCH_RATE.items(), reverse=True):
        expected = (rate - FALSE_MATCH_RATE[NEAR_DUPLICATE]) * m * (m - 1) / 2
        if floor <= level < NEAR_DUPLICATE and expected >= ENOUGH:
            within = (similarity >= level) & (similarity < NEAR_DUPLICATE)
            observed = np.count_nonzero(within & distinct[first] & distinct[second])
            return Calibration(level, round(expected, 1), int(observed))
    return Calibration()
