"""One similarity out of all signals of a pair: how far the hashes are apart, and the cosine of the embeddings.

With an embedding it is a logistic regression on cosine, hash closeness and their products, fitted to copies and to
random pairs; its weights are never negative, so that it rises with every signal. What it gives is then brought to the
calibrated scale of `similarity`: an anchor for each false-match rate.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.embedder import NORM
from lookalike_engine.similarity import HASH_ANCHORS, HASH_BITS, STEPS, hash_scale

COSINE_STEPS: Final = 4096
"""A cosine counts in steps of 1/4096, rounded down; below 0 as 0."""

_PER_STEP: Final = np.float32(COSINE_STEPS / NORM**2)


def cosine_steps(products: NDArray[np.float32]) -> NDArray[np.int16]:
    """Turn dot products of embeddings into steps of cosine, 0..4096."""
    steps: NDArray[np.int16] = np.clip(products * _PER_STEP, 0, COSINE_STEPS).astype(np.int16)
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

    def steps(self, distance: NDArray[np.integer], cosine: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """Return the similarity in steps of 0.0001 (0..9990) at these hash distances (0..256) and cosines (0..4096)."""
        ...

    def least_cosine(self, steps: int) -> NDArray[np.int16]:
        """Return, for each hash distance (257,), the lowest cosine that reaches this similarity; 4097 for none."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Return what it is made of."""
        ...


class HashScale:
    """The similarity of the hash alone."""

    uses_cosine = False

    def __init__(self) -> None:
        self._steps = in_steps(hash_scale())

    def steps(self, distance: NDArray[np.integer], cosine: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """Return the similarity at these distances."""
        del cosine
        found: NDArray[np.int16] = self._steps[distance]
        return found

    def least_cosine(self, steps: int) -> NDArray[np.int16]:
        """Return 0 where the distance alone reaches this similarity, 4097 elsewhere."""
        return np.where(self._steps >= steps, 0, COSINE_STEPS + 1).astype(np.int16)

    def as_json(self) -> dict[str, Any]:
        """Return the anchors."""
        return {"hash_anchors": HASH_ANCHORS}


@dataclass(frozen=True)
class Fusion:
    """The similarity of hash and embedding together."""

    intercept: float
    terms: tuple[tuple[int, int, float], ...]
    """(power of the cosine, power of the hash closeness, weight >= 0); closeness is 1 for no bit, 0 from 128 bits on."""
    anchors: tuple[tuple[float, float], ...]
    """(logit, similarity), both rising."""

    uses_cosine = True

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Fusion":
        """Read a model description's `fusion`. Raises ValueError, KeyError or TypeError where it is not one."""
        terms = tuple((int(of_cosine), int(of_hash), float(weight)) for of_cosine, of_hash, weight in given["terms"])
        anchors = tuple((float(logit), float(similarity)) for logit, similarity in given["anchors"])
        if not terms or any(weight < 0 or not math.isfinite(weight) for _, _, weight in terms):
            raise ValueError("the weights of a fusion are never negative")
        logits, similarities = zip(*anchors, strict=True)
        if sorted(set(logits)) != list(logits) or sorted(set(similarities)) != list(similarities):
            raise ValueError("the anchors of a fusion rise")
        if not (similarities[0] >= 0 and similarities[-1] < 1):
            raise ValueError("the anchors of a fusion lie from 0 to below 1, which is for equal pixels alone")
        return cls(float(given["intercept"]), terms, anchors)

    def logit(self, cosine: NDArray[np.floating], distance: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the log-odds that pairs are copies, among pairs as the fit saw them; cosine -1 to 1, distance 0..256."""
        close = np.clip(1 - np.asarray(distance, dtype=np.float64) / (HASH_BITS / 2), 0, 1)
        alike = np.clip(np.asarray(cosine, dtype=np.float64), 0, 1)
        total = np.full(np.broadcast(close, alike).shape, self.intercept)
        for of_cosine, of_hash, weight in self.terms:
            total += weight * alike**of_cosine * close**of_hash
        return total

    @cached_property
    def table(self) -> NDArray[np.int16]:
        """The similarity, in steps of 0.0001, at every step of cosine and every distance, shape (4097, 257)."""
        cosine = np.arange(COSINE_STEPS + 1)[:, None] / COSINE_STEPS
        logits, similarities = zip(*self.anchors, strict=True)
        table = in_steps(np.interp(self.logit(cosine, np.arange(HASH_BITS + 1)), logits, similarities))
        table.flags.writeable = False
        return table

    def steps(self, distance: NDArray[np.integer], cosine: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """Return the similarity at these distances and cosines."""
        found: NDArray[np.int16] = self.table[cosine, distance]
        return found

    def least_cosine(self, steps: int) -> NDArray[np.int16]:
        """Return the lowest cosine that reaches this similarity at each distance."""
        return np.count_nonzero(self.table < steps, axis=0).astype(np.int16)

    def as_json(self) -> dict[str, Any]:
        """Return the fit."""
        return {"intercept": self.intercept, "terms": self.terms, "anchors": self.anchors}
