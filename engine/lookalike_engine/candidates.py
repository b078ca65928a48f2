"""The close pairs among candidates: what an index of the embeddings and one of the hashes bring together.

Which pairs are looked at is approximate, what is said of them is not: each is compared as `pairs` compares everything.
A pair reaches a similarity by its cosine or by its distance (`Scale.bounds`); little detail makes it less alike than
both say, never more. So no pair is lost but those that lie in cells that neither search looks into.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.collected import Collected
from lookalike_engine.embedder import NORM
from lookalike_engine.embedding_candidates import EmbeddingCandidates
from lookalike_engine.fusion import COSINE_STEPS, Scale, cosine_steps
from lookalike_engine.hash_candidates import HashCandidates
from lookalike_engine.hash_distance import hash_distances, hash_ranks
from lookalike_engine.hashing import effective_distance, reliance
from lookalike_engine.orientation import Orientation
from lookalike_engine.pairs import MAX_PAIRS, ORIENTED, Nearest, Pairs, in_original_numbers, in_steps_up
from lookalike_engine.recall import Aim
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import NEAR_DUPLICATE, STEPS

_AT_ONCE: Final = 1 << 13
"""Pairs compared at once: 84 MB of embeddings of 1280 numbers."""

_NO_PAIR: Final = np.iinfo(np.int64).max

TARGET: Final = 0.999
"""The share of a sample's close pairs that each search is set to find, where that many cells are to be had."""

_REPORTS: Final = 10_000
"""The progress of each search is told in such parts of it."""


def compare_candidates(  # noqa: PLR0913 - what is compared, how, how far, and whom to tell
    signals: SignalRows,
    detail: NDArray[np.float32],
    scale: Scale,
    floor: float,
    *,
    max_pairs: int = MAX_PAIRS,
    on_progress: Callable[[int, int], None],
    stop: Callable[[], None],
) -> Pairs:
    """Find close pairs as `find_pairs` does, but not quite all of them; nearest pictures are the nearest ones found.

    Memory maps are read in batches.
    Raises MissingFaissError, TooManyPairsError, and what `on_progress(done, total)` and `stop()` raise.
    """
    found = _Found(signals, detail, scale, Collected(in_steps_up(floor), max_pairs, repeats=True))
    progress = _Progress(1 + scale.uses_cosine, on_progress)
    if scale.uses_cosine:
        by_cosine = EmbeddingCandidates(
            signals.embeddings,
            found.bounds()[0],
            aim=Aim(target=TARGET, sampled_images=0),
            progress=progress,
            stop=stop,
        )
        for first, second, products in by_cosine.pairs():
            found.take(first, second, stop, products)
            by_cosine.least_cosine = max(by_cosine.least_cosine, found.bounds()[0])
        found.take_nearest(by_cosine.nearest, stop)
        del by_cosine
        found.remember()
        progress.next_part()
    by_distance = HashCandidates(
        signals.hashes,
        found.bounds()[1],
        aim=Aim(target=TARGET, target_level=found.bounds(round(NEAR_DUPLICATE * STEPS))[1], sampled_images=0),
        progress=progress,
        stop=stop,
    )
    for first, second, _, _ in by_distance.pairs():
        found.take(*found.new(first, second), stop)
        by_distance.max_distance = min(by_distance.max_distance, found.bounds()[1])
    found.take_nearest(by_distance.nearest, stop)
    return found.pairs()


class _Found:
    """What has been found so far. Inside, pictures are numbered as their upright hashes sort."""

    def __init__(self, signals: SignalRows, detail: NDArray[np.float32], scale: Scale, collected: Collected) -> None:
        self._signals, self._scale, self._collected = signals, scale, collected
        self._ranks = hash_ranks(signals.hashes)
        self._relied = reliance(detail)
        self._nearest = Nearest(len(detail))
        self._remembered = np.array([_NO_PAIR])

    def bounds(self, steps: int | None = None) -> tuple[float, int]:
        """Return the lowest cosine and the largest distance to look for pairs up to: those of the floor, or of `steps`.

        The cosine is the true one. The scale takes embeddings to be of norm `NORM`: as whole numbers they may be
        longer, by half a unit in each direction.
        """
        cosine, distance = self._scale.bounds(self._collected.floor if steps is None else steps)
        longest = NORM + 0.5 * self._signals.embeddings.shape[1] ** 0.5
        return cosine / COSINE_STEPS * (NORM / longest) ** 2, distance

    def take(
        self,
        first: NDArray[np.integer],
        second: NDArray[np.integer],
        stop: Callable[[], None],
        products: NDArray[np.float32] | None = None,
    ) -> None:
        """Compare these pairs, in either order; one may come more than once.

        `products` are those of their embeddings, where they are known: to multiply them one by one takes ten times as
        long as all the rest.
        """
        swapped = self._ranks[first] > self._ranks[second]
        turned, upright = np.where(swapped, second, first), np.where(swapped, first, second)
        for start in range(0, len(turned), _AT_ONCE):
            stop()
            part = slice(start, start + _AT_ONCE)
            self._compare(turned[part], upright[part], None if products is None else products[part])

    def remember(self) -> None:
        """Remember which pairs have been found by now."""
        first, second, *_ = self._collected.joined()
        self._remembered = np.sort(np.append(first.astype(np.int64) * len(self._ranks) + second, _NO_PAIR))

    def new(self, first: NDArray[np.int32], second: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return those of these pairs that are not remembered: the two searches have most in common."""
        one, other = self._ranks[first], self._ranks[second]
        keys = np.minimum(one, other).astype(np.int64) * len(self._ranks) + np.maximum(one, other)
        new = self._remembered[np.searchsorted(self._remembered, keys)] != keys
        return first[new], second[new]

    def take_nearest(self, nearest: NDArray[np.integer], stop: Callable[[], None]) -> None:
        """Compare each picture with the one that a search found nearest (m,); -1 for none."""
        pictures = np.flatnonzero(nearest >= 0)
        self.take(pictures, nearest[pictures], stop)

    def pairs(self) -> Pairs:
        """Return all of it."""
        return in_original_numbers(
            self._collected, np.argsort(self._ranks), self._nearest.image, self._nearest.similarity
        )

    def _compare(
        self, one: NDArray[np.integer], other: NDArray[np.integer], products: NDArray[np.float32] | None
    ) -> None:
        distance, orientation = hash_distances(self._signals.hashes, self._ranks, one, other)
        relied = self._relied[one], self._relied[other]
        cosine = None
        if self._scale.uses_cosine:
            known = self._products(one, other) if products is None else products
            cosine = cosine_steps(known, *relied, self._scale.detail_penalty)
        similarity = self._scale.steps(effective_distance(distance, *relied), cosine)
        orientation[distance > ORIENTED] = Orientation.UPRIGHT
        first, second = self._ranks[one].astype(np.int64), self._ranks[other].astype(np.int64)
        self._nearest.see_pairs(first, second, similarity)
        close = similarity >= self._collected.floor
        self._collected.add(first[close], second[close], similarity[close], distance[close], orientation[close])

    def _products(self, one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.float32]:
        here, there = (self._signals.embeddings[images].astype(np.float32) for images in (one, other))
        products: NDArray[np.float32] = np.einsum("ij,ij->i", here, there)
        return products


class _Progress:
    """The searches one after the other as one whole; what is done never falls, though a search may find more to do."""

    def __init__(self, searches: int, on_progress: Callable[[int, int], None]) -> None:
        self._total = searches * _REPORTS
        self._done = self._before = 0
        self._on_progress = on_progress

    def __call__(self, done: int, total: int) -> None:
        """Take note of how far the search is that is under way."""
        self._done = max(self._done, self._before + (done * _REPORTS // total if total else _REPORTS))
        self._on_progress(self._done, self._total)

    def next_part(self) -> None:
        """Go on to the next search."""
        self._before += _REPORTS
