"""How one image of a cluster relates to another, from the pairs that were kept."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.orientation import Relation, relation

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot


def pair_lookup(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the numbers of pairs (p,) by their first and then their second image, for `Kinship` to look them up."""
    return np.lexsort((second, first)).astype(np.int32)


class Kinship:
    """Looks up pairs by their two images. Exact copies and twins share the pairs of the image that stands for them."""

    def __init__(self, snapshot: "Snapshot") -> None:
        self._snapshot = snapshot

    def exact(self, one: int, other: int) -> bool:
        """Tell whether two images are pixel-equal."""
        return bool(self._snapshot.representative[one] == self._snapshot.representative[other])

    def relations(self, keepers: NDArray[np.integer], members: NDArray[np.integer]) -> list[Relation]:
        """Tell how each of `members` (r,) is turned relative to its keeper (r,): exact copy, twin, or paired with it.

        Raises LookupError for two images that are none of these.
        """
        ends = np.sort(np.stack([self._snapshot.twin[keepers], self._snapshot.twin[members]]), axis=0)
        relations: list[Relation] = ["same"] * len(members)
        paired = np.flatnonzero(ends[0] != ends[1])
        # Seen from the other image the turn is the inverse one, which has the same name.
        turns = self._snapshot.pair_orientation[self._pairs(ends[0, paired], ends[1, paired])]
        for place, turn in zip(paired.tolist(), turns.tolist(), strict=True):
            relations[place] = relation(turn)
        return relations

    def _pairs(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the numbers of the pairs of these images (r,), each found by halving what is left of all."""
        snapshot, count = self._snapshot, len(self._snapshot.pair_lookup)
        low = np.zeros(len(first), dtype=np.int64)
        high = np.full(len(first), count, dtype=np.int64)
        for _ in range(count.bit_length()):
            middle = np.minimum((low + high) // 2, count - 1)
            pair = snapshot.pair_lookup[middle]
            one, other = snapshot.pair_first[pair], snapshot.pair_second[pair]
            before = (low < high) & ((one < first) | ((one == first) & (other < second)))
            low, high = np.where(before, middle + 1, low), np.where(before, high, np.minimum(high, middle))
        if (low >= count).any():
            raise LookupError("there is no such pair of images")
        pairs: NDArray[np.integer] = snapshot.pair_lookup[low]
        if (snapshot.pair_first[pairs] != first).any() or (snapshot.pair_second[pairs] != second).any():
            raise LookupError("there is no such pair of images")
        return pairs
