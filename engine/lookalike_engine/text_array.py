"""Many short byte strings as two arrays: any of them is found in a memory map without reading the others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def packed(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the strings (n,) one after another, and where each one ends (n,)."""
    ends = np.cumsum(np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts)), dtype=np.int64)
    return np.frombuffer(b"".join(texts), dtype=np.uint8), ends


def unpacked(joined: NDArray[np.uint8], ends: NDArray[np.int64], place: int) -> bytes:
    """Return one of the strings."""
    start = int(ends[place - 1]) if place else 0
    return joined[start : int(ends[place])].tobytes()
