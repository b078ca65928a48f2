"""The distance of two pictures by their hashes, pair by pair: for pairs that something else has picked out.

The definition is that of the exhaustive comparison (`pairs`): the picture whose upright hash sorts first is turned.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.orientation import INVERSE, Orientation

_CHUNK: Final = 1 << 15


def hash_ranks(hashes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return each picture's place (m,) among all sorted by upright hash; `hashes` is (m, 8, 32)."""
    words = np.ascontiguousarray(hashes[:, Orientation.UPRIGHT]).view(">u8")
    ranks = np.empty(len(hashes), dtype=np.int32)
    ranks[np.lexsort(words.T[::-1])] = np.arange(len(hashes), dtype=np.int32)
    return ranks


def hash_distances(
    hashes: NDArray[np.uint8], ranks: NDArray[np.int32], first: NDArray[np.integer], second: NDArray[np.integer]
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return the bits that differ (p,), 0..256, and how each pair's second picture is turned relative to the first.

    `ranks` are those of `hash_ranks`.
    """
    distance = np.empty(len(first), dtype=np.int16)
    orientation = np.empty(len(first), dtype=np.uint8)
    for start in range(0, len(first), _CHUNK):
        one, other = first[start : start + _CHUNK], second[start : start + _CHUNK]
        swapped = ranks[one] > ranks[other]
        turned = hashes[np.where(swapped, other, one)].view(np.uint64)
        upright = hashes[np.where(swapped, one, other), Orientation.UPRIGHT].view(np.uint64)
        bits = np.bitwise_count(turned ^ upright[:, None]).sum(axis=2, dtype=np.int16)
        nearest = bits.argmin(axis=1).astype(np.uint8)
        distance[start : start + _CHUNK] = bits[np.arange(len(bits)), nearest]
        orientation[start : start + _CHUNK] = np.where(swapped, INVERSE[nearest], nearest)
    return distance, orientation
