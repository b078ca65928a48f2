"""Every pair of pictures whose hashes are close in any of the eight orientations, and everyone's nearest other picture.

One exhaustive pass finds both: no index, no limit of neighbours. Hamming distances come from matrix products of ±1
vectors, block by block over the upper triangle, so memory stays bounded whatever the number of pictures.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.errors import EngineError
from lookalike_engine.orientation import Orientation
from lookalike_engine.similarity import HASH_BITS, distance_at

MAX_PAIRS: Final = 20_000_000
"""As many as 6,300 pictures have that are all alike. Linking 3 million took 4 to 11 s and 160 MB on two cores."""

_ROWS: Final = 512
_COLUMNS: Final = 2048
_INVERSE: Final = np.array([orientation.inverse for orientation in Orientation], dtype=np.uint8)


class TooManyPairsError(EngineError):
    """So many pictures share one and the same hash that their pairs cannot be kept."""

    def __init__(self, max_pairs: int) -> None:
        super().__init__(
            f"more than {max_pairs:,} pairs of pictures are indistinguishable by their hash; "
            "serve fewer pictures at once, or remove the runs of identical frames first"
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """The close pairs of m pictures. Pictures are numbered as in the array of hashes."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    """Always the greater number of the two."""
    distance: NDArray[np.int16]
    """Bits that differ, 0..256."""
    orientation: NDArray[np.uint8]
    """How the second picture is turned relative to the first; upright where two orientations are equally close."""
    max_distance: int
    """Every pair up to this distance is here: what was asked for, or less where the pairs would not have fitted."""
    nearest: NDArray[np.int32]
    """Each picture's nearest other one (m,), close or not; -1 where there is no other."""
    nearest_distance: NDArray[np.int16]
    """How far that is (m,), 0..256; 256 where there is no other."""


def find_pairs(
    hashes: NDArray[np.uint8],
    floor: float,
    *,
    max_pairs: int = MAX_PAIRS,
    on_block: Callable[[int, int], None] | None = None,
) -> Pairs:
    """Find all pairs at similarity `floor` (0-1) or above.

    `hashes` (m, 8, 32) holds each picture's packed 256-bit hash in the eight orientations. The distance of two pictures
    is taken between the turned hashes of the one whose upright hash sorts first and the upright hash of the other:
    it depends on the two alone and not on their order. Where more than `max_pairs` pairs would have to be kept, the
    farthest are dropped, all of one distance at a time, and `Pairs.max_distance` says how far the rest reach.
    `on_block(done, total)` is told how many pairs have been compared; what it raises ends the search.

    Raises TooManyPairsError where even the pairs at distance 0 exceed `max_pairs`.
    """
    m = len(hashes)
    order = np.lexsort(hashes[:, 0].T[::-1]) if m else np.zeros(0, dtype=np.int64)
    collected = _Collected(max_distance=distance_at(floor), max_pairs=max_pairs)
    # One sortable number per picture, distance before candidate, so that equally near pictures tie by hash.
    nearest_key = np.full(m, np.iinfo(np.int64).max, dtype=np.int64)
    done = 0
    for rows, columns, closeness in _blocks(hashes, order):
        best = closeness.max(axis=0)
        if columns[0] <= rows[-1]:  # the block holds part of the diagonal
            best[columns[None, :] <= rows[:, None]] = -np.inf
        by_row, by_column = best.argmax(axis=1), best.argmax(axis=0)
        _keep_nearest(nearest_key, rows, columns[by_row], best.max(axis=1))
        _keep_nearest(nearest_key, columns, rows[by_column], best.max(axis=0))
        row, column = np.nonzero(best >= HASH_BITS - 2 * collected.max_distance)
        turned = closeness[:, row, column].argmax(axis=0).astype(np.uint8)
        collected.add(rows[row], columns[column], _bits(best[row, column]).astype(np.int16), turned)
        done += int(np.maximum(columns[-1] - np.maximum(rows, columns[0] - 1), 0).sum())
        if on_block is not None:
            on_block(done, m * (m - 1) // 2)
    return _in_original_numbers(collected, order, nearest_key)


def _blocks(
    hashes: NDArray[np.uint8], order: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
    """Yield (rows, columns, dot products (8, rows, columns)) over the upper triangle of the reordered hashes."""
    m = len(order)
    for top in range(0, m, _ROWS):
        rows = np.arange(top, min(top + _ROWS, m))
        turned = _signs(hashes[order[rows]].transpose(1, 0, 2).reshape(-1, HASH_BITS // 8))
        for left in range(top, m, _COLUMNS):
            columns = np.arange(left, min(left + _COLUMNS, m))
            upright = _signs(hashes[order[columns], 0])
            yield rows, columns, (turned @ upright.T).reshape(len(Orientation), len(rows), len(columns))


def _keep_nearest(
    nearest_key: NDArray[np.int64],
    pictures: NDArray[np.int64],
    candidates: NDArray[np.int64],
    closeness: NDArray[np.float32],
) -> None:
    compared = np.isfinite(closeness)
    key = _bits(closeness[compared]) * len(nearest_key) + candidates[compared]
    nearest_key[pictures[compared]] = np.minimum(nearest_key[pictures[compared]], key)


def _bits(closeness: NDArray[np.float32]) -> NDArray[np.int64]:
    """Turn dot products of ±1 vectors into the bits that differ."""
    return (HASH_BITS - closeness.astype(np.int64)) // 2


def _signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1


class _Collected:
    """The pairs found so far, in the numbers of the reordered hashes."""

    def __init__(self, *, max_distance: int, max_pairs: int) -> None:
        self.max_distance = max_distance
        self._max_pairs = max_pairs
        self._count = 0
        self._parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int16], NDArray[np.uint8]]] = []

    def add(
        self,
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        distance: NDArray[np.int16],
        orientation: NDArray[np.uint8],
    ) -> None:
        self._parts.append((first.astype(np.int32), second.astype(np.int32), distance, orientation))
        self._count += len(first)
        if self._count > self._max_pairs:
            self._drop_farthest()

    def _drop_farthest(self) -> None:
        first, second, distance, orientation = self.joined()
        fitting = np.flatnonzero(np.cumsum(np.bincount(distance)) <= self._max_pairs)
        if not fitting.size:
            raise TooManyPairsError(self._max_pairs)
        self.max_distance = int(fitting[-1])
        kept = distance <= self.max_distance
        self._parts = [(first[kept], second[kept], distance[kept], orientation[kept])]
        self._count = int(np.count_nonzero(kept))

    def joined(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int16], NDArray[np.uint8]]:
        if not self._parts:
            none = np.zeros(0, dtype=np.int32)
            return none, none, none.astype(np.int16), none.astype(np.uint8)
        first, second, distance, orientation = zip(*self._parts, strict=True)
        return (
            np.concatenate(first),
            np.concatenate(second),
            np.concatenate(distance),
            np.concatenate(orientation),
        )


def _in_original_numbers(collected: _Collected, order: NDArray[np.int64], nearest_key: NDArray[np.int64]) -> Pairs:
    m = len(order)
    first, second, distance, orientation = collected.joined()
    one, other = order[first].astype(np.int32), order[second].astype(np.int32)
    swapped = one > other
    nearest = np.full(m, -1, dtype=np.int32)
    nearest_distance = np.full(m, HASH_BITS, dtype=np.int16)
    if m > 1:
        nearest[order] = order[nearest_key % m]
        nearest_distance[order] = nearest_key // m
    return Pairs(
        first=np.minimum(one, other),
        second=np.maximum(one, other),
        distance=distance,
        orientation=np.where(swapped, _INVERSE[orientation], orientation),
        max_distance=collected.max_distance,
        nearest=nearest,
        nearest_distance=nearest_distance,
    )
