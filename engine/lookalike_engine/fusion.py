"""One similarity out of all signals of a pair: how far the hashes are apart, and the cosine of the embeddings.

Each signal is first brought to its rarity: the negative decimal logarithm of the share of random pairs of pictures that
come as close. The rarity of a pair is the larger of the two, plus a part of the smaller one: a copy that was cropped is
found by its embedding alone and one that was blurred by its hash alone, and either is surer where both agree. What
comes out is brought to the calibrated scale of `similarity`, by an anchor for each false-match rate. All of it is
fitted by `benchmarks.calibrate`, and none of it ever falls when a signal gets closer.
"""

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.embedder import NORM
from lookalike_engine.similarity import HASH_ANCHORS, HASH_BITS, SAME_HASH, STEPS, USUAL_DISTANCE, hash_scale

Curve = tuple[tuple[float, float], ...]
"""Points (x, y), joined by straight lines."""

COSINE_STEPS: Final = 4096
"""A cosine counts in steps of 1/4096, rounded down; below 0 as 0."""

_PER_STEP: Final = np.float32(COSINE_STEPS / NORM**2)


def cosine_steps(
    products: NDArray[np.float32], one: NDArray[np.float32], other: NDArray[np.float32], detail_penalty: float
) -> NDArray[np.int16]:
    """Turn dot products of embeddings into steps of cosine, 0..4096, as they count between pictures of these reliances.

    See `hashing.reliance`: 1 for pictures with full detail, 0.5 for those without any, which lose `detail_penalty`.
    """
    lost = np.float32(2 * detail_penalty * COSINE_STEPS) * (1 - np.minimum(one, other))
    steps: NDArray[np.int16] = np.clip(products * _PER_STEP - lost, 0, COSINE_STEPS).astype(np.int16)
    return steps


def in_steps(similarity: NDArray[np.floating]) -> NDArray[np.int16]:
    """Return similarities (0-0.9999) as whole steps of 0.0001, rounded down but for what floating point takes off."""
    steps: NDArray[np.int16] = np.floor(similarity * STEPS + 1e-6).astype(np.int16)
    return steps


class Scale(Protocol):
    """What makes a similarity of the signals of pairs, never falling when a signal gets closer."""

    @property
    def uses_cosine(self) -> bool:
        """Whether there is an embedding."""
        ...

    @property
    def detail_penalty(self) -> float:
        """What a cosine loses between pictures without any detail."""
        ...

    def steps(self, distance: NDArray[np.integer], cosine: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """Return the similarity in steps of 0.0001 (0..9990) at these hash distances (0..256) and cosines (0..4096)."""
        ...

    def least_cosine(self, steps: int) -> NDArray[np.int16]:
        """Return, for each hash distance (257,), the lowest cosine that reaches this similarity; 4097 for none."""
        ...

    def bounds(self, steps: int) -> tuple[int, int]:
        """Return (cosine, distance): what reaches this similarity has this cosine at least or this distance at most."""
        ...

    @property
    def usual_cosine(self) -> float:
        """The cosine that half of all random pairs reach; 1 where there is no embedding."""
        ...

    @property
    def usual_distance(self) -> float:
        """The bits that half of all random pairs are apart, or fewer."""
        ...

    def stretched(self, cosine: float, distance: float) -> "Scale":
        """Return this scale for a dataset whose own pictures are that much alike: see `kindred`."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Return what it is made of."""
        ...


class HashScale:
    """The similarity of the hash alone."""

    uses_cosine = False
    usual_cosine = 1.0
    usual_distance = USUAL_DISTANCE
    detail_penalty = 0.0

    def __init__(self, stretch: float = 1.0) -> None:
        self._steps = in_steps(np.interp(_bits(stretch), np.arange(HASH_BITS + 1), hash_scale()))

    def steps(self, distance: NDArray[np.integer], cosine: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """Return the similarity at these distances."""
        del cosine
        found: NDArray[np.int16] = self._steps[distance]
        return found

    def least_cosine(self, steps: int) -> NDArray[np.int16]:
        """Return 0 where the distance alone reaches this similarity, 4097 elsewhere."""
        return np.where(self._steps >= steps, 0, COSINE_STEPS + 1).astype(np.int16)

    def bounds(self, steps: int) -> tuple[int, int]:
        """Return the largest distance that reaches this similarity, and a cosine that none has."""
        return COSINE_STEPS + 1, int(np.count_nonzero(self._steps >= steps)) - 1

    def stretched(self, cosine: float, distance: float) -> "HashScale":
        """Return this scale for a dataset whose own pictures are that much alike."""
        del cosine
        return HashScale(distance)

    def as_json(self) -> dict[str, Any]:
        """Return the anchors, and the usual distance."""
        return {"hash_anchors": HASH_ANCHORS, "usual_distance": USUAL_DISTANCE}


@dataclass(frozen=True)
class Fusion:
    """The similarity of hash and embedding together."""

    cosine: Curve
    """(cosine, rarity), rising."""
    distance: Curve
    """(bits, rarity): fewer and fewer bits, rarer and rarer."""
    share_of_less: float
    """How much of the smaller rarity is added to the larger one, 0-1."""
    anchors: Curve
    """(rarity, similarity), rising."""
    detail_penalty: float
    """What a cosine loses between pictures without any detail: those come close by chance more often."""
    stretch: tuple[float, float] = (1.0, 1.0)
    """What is missing to a cosine of 1, and a hash distance, count as this many times as much: see `kindred`."""

    uses_cosine = True

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Fusion":
        """Read a model description's `fusion`. Raises ValueError, KeyError or TypeError where it is not one."""
        share, penalty = float(given["share_of_less"]), float(given["detail_penalty"])
        if not (0 <= share <= 1 and 0 <= penalty <= 1):
            raise ValueError("share_of_less and detail_penalty are within 0 to 1")
        anchors = _curve(given["anchors"], rising=True)
        if not (anchors[0][1] >= 0 and anchors[-1][1] <= SAME_HASH):
            raise ValueError(f"the anchors of a fusion lie within 0 to {SAME_HASH}: more is for equal pixels alone")
        return cls(
            _curve(given["cosine"], rising=True), _curve(given["distance"], rising=False), share, anchors, penalty
        )

    def rarity(
        self, distance: NDArray[np.floating] | NDArray[np.integer], cosine: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return how rare it is that random pairs come as close: at effective hash distances (bits) and cosines."""
        by_cosine = _followed(cosine, self.cosine)
        by_distance = self._rarity_of(distance)
        rarity: NDArray[np.float64] = np.maximum(by_cosine, by_distance) + self.share_of_less * np.minimum(
            by_cosine, by_distance
        )
        return rarity

    def _rarity_of(self, distance: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.float64]:
        return _followed(
            -np.asarray(distance, dtype=np.float64), tuple((-bits, rarity) for bits, rarity in self.distance)
        )

    @cached_property
    def table(self) -> NDArray[np.int16]:
        """The similarity, in steps of 0.0001, at every step of cosine and every distance, shape (4097, 257)."""
        cosine = 1 - (1 - np.arange(COSINE_STEPS + 1)[:, None] / COSINE_STEPS) * self.stretch[0]
        table: NDArray[np.int16] = in_steps(_followed(self.rarity(_bits(self.stretch[1]), cosine), self.anchors))
        table.flags.writeable = False
        return table

    def steps(self, distance: NDArray[np.integer], cosine: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """Return the similarity at these distances and cosines."""
        found: NDArray[np.int16] = self.table[cosine, distance]
        return found

    def least_cosine(self, steps: int) -> NDArray[np.int16]:
        """Return the lowest cosine that reaches this similarity at each distance."""
        least: NDArray[np.int16] = np.count_nonzero(self.table < steps, axis=0).astype(np.int16)
        return least

    def bounds(self, steps: int) -> tuple[int, int]:
        """Return the bounds where both signals are equally rare: the share of random pairs within either is the least.

        Two signals that are each a little less rare than the similarity needs may reach it together.
        """
        rarity, similarity = zip(*self.anchors, strict=True)
        needed = np.interp(steps / STEPS, similarity, rarity) / (1 + self.share_of_less)
        distance = int(np.count_nonzero(self._rarity_of(_bits(self.stretch[1])) >= needed)) - 1
        return int(self.least_cosine(steps)[min(distance + 1, HASH_BITS)]), distance

    def stretched(self, cosine: float, distance: float) -> "Fusion":
        """Return this scale for a dataset whose own pictures are that much alike."""
        return _stretched(self, (cosine, distance))

    @property
    def usual_distance(self) -> float:
        """The bits that half of all random pairs are apart, or fewer."""
        across, up = zip(*self.distance, strict=True)
        return float(np.interp(-math.log10(0.5), up, across))

    @property
    def usual_cosine(self) -> float:
        """The cosine that half of all random pairs reach."""
        across, up = zip(*self.cosine, strict=True)
        return float(np.interp(-math.log10(0.5), up, across))

    def as_json(self) -> dict[str, Any]:
        """Return the fit."""
        return {name: value for name, value in asdict(self).items() if name != "stretch"}


@lru_cache(maxsize=8)
def _stretched(scale: Fusion, stretch: tuple[float, float]) -> Fusion:
    """Return one scale for all questions to a dataset: making its table takes as long as comparing 10,000 images."""
    return replace(scale, stretch=stretch)


def _bits(stretch: float) -> NDArray[np.float64]:
    """Return what the distances 0..256 count as."""
    counted: NDArray[np.float64] = np.minimum(np.arange(HASH_BITS + 1) * stretch, HASH_BITS)
    return counted


def _curve(points: Any, *, rising: bool) -> Curve:
    """Read (x, y) points whose y rises, and whose x rises, or falls."""
    curve = tuple((float(x), float(y)) for x, y in points)
    across, up = zip(*curve, strict=True)
    if not all(math.isfinite(value) for point in curve for value in point):
        raise ValueError("the points of a fusion are finite numbers")
    if len(curve) < 2 or sorted(set(up)) != list(up) or sorted(set(across), reverse=not rising) != list(across):  # noqa: PLR2004
        raise ValueError("the points of a fusion go one way")
    return curve


def _followed(values: NDArray[np.floating] | NDArray[np.integer], curve: Curve) -> NDArray[np.float64]:
    """Read a rising curve at these values; level before its first point and after its last."""
    across, up = zip(*curve, strict=True)
    found: NDArray[np.float64] = np.interp(values, across, up)
    return found
