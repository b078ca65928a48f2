"""The close pairs that a search has found so far, no more of them than fit."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.errors import EngineError

_SLACK: Final = 4
"""One part in so many of what fits is let in beyond it."""

Columns = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int16], NDArray[np.int16], NDArray[np.uint8]]


class TooManyPairsError(EngineError):
    """So many pictures cannot be told apart by their signals that their pairs cannot be kept."""

    def __init__(self, max_pairs: int) -> None:
        super().__init__(
            f"more than {max_pairs:,} pairs of pictures are indistinguishable by their signals; "
            "serve fewer pictures at once, or remove the runs of identical frames first"
        )


class Collected:
    """Pairs at a similarity of `floor` steps of 0.0001 or above; the floor rises where they would not fit.

    With `repeats` a pair may come more than once, and is kept once; it always comes in the same order.
    """

    def __init__(self, floor: int, max_pairs: int, *, repeats: bool = False) -> None:
        self.floor = floor
        self._max_pairs = max_pairs
        self._repeats = repeats
        self._count = 0
        self._parts: list[Columns] = []

    def add(
        self,
        first: NDArray[np.integer],
        second: NDArray[np.integer],
        similarity: NDArray[np.int16],
        distance: NDArray[np.int16],
        orientation: NDArray[np.uint8],
    ) -> None:
        """Take pairs, all of them at `floor` or above; raises `TooManyPairsError`.

        A few more than fit are let in, so that what is there is not gone through again for each that comes.
        """
        self._parts.append((first.astype(np.int32), second.astype(np.int32), similarity, distance, orientation))
        self._count += len(first)
        if self._count > self._max_pairs + self._max_pairs // _SLACK:
            self._settle()

    def joined(self) -> Columns:
        """Return all pairs, no more than fit; raises `TooManyPairsError`. Only then is `floor` what it stays."""
        self._settle()
        return self._joined()

    def _joined(self) -> Columns:
        if not self._parts:
            none = np.zeros(0, dtype=np.int32)
            return none, none, none.astype(np.int16), none.astype(np.int16), none.astype(np.uint8)
        first, second, similarity, distance, orientation = zip(*self._parts, strict=True)
        return (
            np.concatenate(first),
            np.concatenate(second),
            np.concatenate(similarity),
            np.concatenate(distance),
            np.concatenate(orientation),
        )

    def _settle(self) -> None:
        if self._repeats:
            first, second, similarity, distance, orientation = self._joined()
            _, once = np.unique(first.astype(np.int64) << 32 | second, return_index=True)
            self._parts = [(first[once], second[once], similarity[once], distance[once], orientation[once])]
            self._count = len(once)
        if self._count > self._max_pairs:
            self._drop_least_alike()

    def _drop_least_alike(self) -> None:
        """Keep at most as many as fit, all pairs of one similarity or none of them."""
        columns = self._joined()
        similarity = columns[2]
        first_too_many = np.partition(similarity, len(similarity) - self._max_pairs - 1)[-self._max_pairs - 1]
        kept = similarity > first_too_many
        if not kept.any():
            raise TooManyPairsError(self._max_pairs)
        self.floor = int(first_too_many) + 1
        first, second, _, distance, orientation = columns
        self._parts = [(first[kept], second[kept], similarity[kept], distance[kept], orientation[kept])]
        self._count = int(np.count_nonzero(kept))
