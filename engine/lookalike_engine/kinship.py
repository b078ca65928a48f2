"""How one image of a cluster relates to another, from the pairs that were kept."""

from typing import TYPE_CHECKING

import numpy as np

from lookalike_engine.orientation import Relation, relation

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot


class Kinship:
    """Looks up pairs by their two images. Exact copies and twins share the pairs of the image that stands for them."""

    def __init__(self, snapshot: "Snapshot") -> None:
        self._images = snapshot.image_count
        self._representative = np.asarray(snapshot.representative)
        self._twin = np.asarray(snapshot.twin)
        self._orientation = snapshot.pair_orientation
        key = np.asarray(snapshot.pair_first, dtype=np.int64) * self._images + snapshot.pair_second
        self._order = np.argsort(key)
        self._keys = key[self._order]

    def exact(self, one: int, other: int) -> bool:
        """Tell whether two images are pixel-equal."""
        return bool(self._representative[one] == self._representative[other])

    def relation(self, keeper: int, member: int) -> Relation:
        """Tell how `member` is turned relative to `keeper`: its exact copy, its twin, or paired with it."""
        first, second = sorted((int(self._twin[keeper]), int(self._twin[member])))
        if first == second:
            return "same"
        place = int(np.searchsorted(self._keys, first * self._images + second))
        # Seen from the other image the turn is the inverse one, which has the same name.
        return relation(int(self._orientation[self._order[place]]))
