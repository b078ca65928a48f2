"""What an approximate search finds, measured: a sample of images is also compared with every other image.

The share is one of pairs: of the pairs that the sampled images have, those that the search yielded too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Measure = Literal["similarity", "cosine", "distance"]

ENOUGH: Final = 100
"""Pairs in a sample before the share found says much: at 100, one lost pair is a hundredth."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a search shall reach, and how that is measured."""

    target: float = 0.99
    """The share, 0-1, of the pairs at `target_level` or closer that the number of probes is chosen to find."""
    target_level: float | None = None
    """A cosine or a number of bits; None for the widest level searched. A closer level takes fewer probes."""
    levels: tuple[float, ...] = ()
    """Where recall is reported besides the widest level."""
    sampled_images: int = 1000
    """Drawn to measure the recall with. Those that the number of probes is chosen by are others, where there are."""


DEFAULT_AIM: Final = Aim()


@dataclass(frozen=True, slots=True)
class LevelRecall:
    """Of the sampled images' pairs at a level or closer: how many there are, how many of them were found."""

    level: float
    """A similarity or cosine (at or above) or a number of bits (at or below)."""
    pairs: int
    found: int

    @property
    def share(self) -> float | None:
        """The share found, 0-1; None where the sample holds no such pair."""
        return self.found / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class Recall:
    """The recall of one approximate search, as it is written into the snapshot."""

    measure: Measure
    sampled_images: int
    levels: tuple[LevelRecall, ...]
    """From the closest level to the widest; those narrower than the search was when it ended are left out."""
    nearest: int
    """Of the sampled images: those whose nearest other image is known, by the hash only one within the widest level."""
    nearest_found: int
    """Of these: those for which it was found, or another just as near."""
    cells: int | None
    probes: int | None
    """Cells searched for each image, and for the hash in each of the eight orientations; None for several searches."""

    def as_json(self) -> dict[str, object]:
        """Return it in plain values. Shares are floored to four decimals: 1.0 means that no pair was missed."""
        return {
            "approximate": True,
            "measure": self.measure,
            **({} if self.cells is None else {"cells": self.cells, "probes": self.probes}),
            "sample": {
                "images": self.sampled_images,
                "nearest": self.nearest,
                "nearest_found": self.nearest_found,
                "levels": [
                    {
                        self.measure: each.level,
                        "pairs": each.pairs,
                        "found": each.found,
                        "recall": None if each.share is None else np.floor(each.share * 10_000).item() / 10_000,
                        "enough": each.pairs >= ENOUGH,
                    }
                    for each in self.levels
                ],
            },
        }


class RecallSample:
    """Counts, level by level, the pairs of the sampled images: those there are, and those that the search yields."""

    def __init__(self, measure: Measure, images: NDArray[np.integer], n: int, levels: Sequence[float]) -> None:
        self.images = images
        """The numbers of the sampled images, rising."""
        self._measure: Measure = measure
        self._sampled = np.zeros(n, dtype=bool)
        self._sampled[images] = True
        self._levels = tuple(sorted(set(levels), reverse=measure != "distance"))
        self._pairs = np.zeros(len(self._levels), dtype=np.int64)
        self._found: list[tuple[NDArray[np.int64], NDArray[Any]]] = []

    def add_exact(self, closeness: NDArray[Any]) -> None:
        """Count pairs of a sampled image with any other, each given by its cosine or its distance."""
        self._pairs += self._counts(closeness)

    def add_found(self, first: NDArray[np.integer], second: NDArray[np.integer], closeness: NDArray[Any]) -> None:
        """Note pairs that the search has yielded; a pair of two sampled images counts for both, and twice as once."""
        for image, other in ((first, second), (second, first)):
            ours = self._sampled[image]
            if ours.any():
                keys = image[ours].astype(np.int64) * len(self._sampled) + other[ours]
                self._found.append((keys, closeness[ours]))

    def _counts(self, closeness: NDArray[Any]) -> NDArray[np.int64]:
        near = [closeness <= level if self._measure == "distance" else closeness >= level for level in self._levels]
        return np.array([np.count_nonzero(each) for each in near], dtype=np.int64)

    def recall(
        self, widest: float, *, nearest: int, nearest_found: int, cells: int | None = None, probes: int | None = None
    ) -> Recall:
        """Return the outcome; `widest` is the level that the search ended with."""
        counted = self._pairs * 0
        if self._found:
            _, place = np.unique(np.concatenate([keys for keys, _ in self._found]), return_index=True)
            counted = self._counts(np.concatenate([closeness for _, closeness in self._found])[place])
        levels = [
            LevelRecall(level, int(pairs), int(found))
            for level, pairs, found in zip(self._levels, self._pairs, counted, strict=True)
            if (level <= widest if self._measure == "distance" else level >= widest)
        ]
        return Recall(
            measure=self._measure,
            sampled_images=len(self.images),
            levels=tuple(levels),
            nearest=nearest,
            nearest_found=nearest_found,
            cells=cells,
            probes=probes,
        )
