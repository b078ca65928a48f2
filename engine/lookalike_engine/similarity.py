"""The calibrated scale: one number in 0-1 that means the same for every signal.

It is set by how often two *different* pictures, drawn at random, get that close: one pair in 10,000 reaches 0.70, one
in 4,000,000 reaches 0.95. The anchors of the hash alone are kept below what 7.9 million random pairs of a made set gave
(92, 74 and 67 bits for 0.70, 0.80 and 0.90); those of models stand in their descriptions. `python -m
benchmarks.calibrate` fits a description to photographs of your own.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

HASH_BITS: Final = 256

STEPS: Final = 10_000
"""A similarity is kept as a whole number of steps of 1/10,000: what is 0.95 is so exactly, however it came about."""

FALSE_MATCH_RATE: Final = {0.50: 1e-2, 0.70: 1e-4, 0.80: 1e-5, 0.90: 1e-6, 0.95: 2.5e-7}
"""How many of the random pairs of distinct pictures reach each similarity."""

NEAR_DUPLICATE: Final = 0.95
"""The similarity of a question that names none, and above which no image counts as unique."""

EXACT: Final = 1.0
"""The similarity of pixel-equal pictures, and of no others."""

HASH_ANCHORS: Final = ((0, 0.999), (2, 0.99), (62, 0.95), (66, 0.90), (75, 0.80), (91, 0.70), (103, 0.50), (128, 0.0))
"""(effective distance in bits, similarity). At 128 bits, half of them, two hashes have nothing in common."""

USUAL_DISTANCE: Final = 118.0
"""Bits; half of the random pairs of photographs are no farther apart in their best orientation."""

SAME_HASH: Final = HASH_ANCHORS[0][1]
"""The similarity of pictures that differ and whose hashes do not: the highest there is below `EXACT`."""

SMALL_DATASET: Final = 60_000
"""Images."""
FLOORS: Final = (0.70, 0.80)
"""The lowest similarity at which all pairs of a dataset are kept: of a small one, of a larger one."""


@cache
def hash_scale() -> NDArray[np.float64]:
    """Return the similarity of every hash distance 0..256, shape (257,), never rising."""
    bits, similarity = zip(*HASH_ANCHORS, strict=True)
    scale: NDArray[np.float64] = np.interp(np.arange(HASH_BITS + 1), bits, similarity)
    scale.flags.writeable = False
    return scale


def distance_at(similarity: float) -> int:
    """Return the largest hash distance that still reaches `similarity`; -1 where none does (above 0.999)."""
    return int(np.count_nonzero(hash_scale() >= similarity)) - 1


def floor_for(n_images: int) -> float:
    """Return the lowest similarity at which all pairs of a dataset of this size are kept."""
    small, larger = FLOORS
    return small if n_images <= SMALL_DATASET else larger
