"""Pairs of pictures whose hashes are close in some orientation, without comparing every picture with every other.

The upright hashes are parted into cells; each picture is looked for in all eight orientations, each in the cells
nearest to that turned hash. A pair has two chances: either picture may find the other. Multi-index hashing was measured
and is no help: at 62 of 256 bits it took longer than comparing everything.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cells import SEED, probes_for
from lookalike_engine.hash_cells import BITS, HashCells, Hits, distinct, exact_hits
from lookalike_engine.hash_distance import hash_distances, hash_ranks
from lookalike_engine.orientation import INVERSE
from lookalike_engine.recall import DEFAULT_AIM, Aim, Recall, RecallSample

PROBES: Final = (8, 16, 32, 64, 128)
"""Cells searched for each picture in each orientation: the fewest that reach the target on the pairs of a sample."""

PLANNING_IMAGES: Final = 500
"""Drawn to choose the number of probes by; the recall is measured on others."""
PLANNING_PAIRS: Final = 5000

SLACK: Final = 8
"""Bits by which one picture turned against the other may differ more than the other turned against the one: each hash
is cut at its own median."""

_PICTURES: Final = 1 << 16
_LONELY: Final = 1024
_NEAREST_PROBES: Final = 8

HashPairs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int16], NDArray[np.uint8]]


class HashCandidates:
    """One search; `pairs()` runs it, and when that has ended the other attributes hold the outcome.

    `hashes` (m, 8, 32) holds each picture's packed 256-bit hash in the eight orientations. `max_distance`, in bits, may
    be lowered while `pairs()` runs, where too many come. `progress(done, total)` is told of pictures; it and `stop()`
    may raise to end the work.

    The same input gives the same pairs on the same machine; elsewhere a BLAS may round a centroid otherwise, and other
    pairs may be missed. Raises MissingFaissError.
    """

    def __init__(
        self,
        hashes: NDArray[np.uint8],
        max_distance: int,
        *,
        aim: Aim = DEFAULT_AIM,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        m = len(hashes)
        self.max_distance = max_distance
        self.nearest: NDArray[np.int32] = np.full(m, -1, dtype=np.int32)
        """The nearest other picture *found* (m,), close or not: approximate. -1 where the cells held no other."""
        self.nearest_distance: NDArray[np.int16] = np.full(m, BITS, dtype=np.int16)
        """How far that is (m,), 0..256; 256 where there is none."""
        self.recall: Recall | None = None
        """None until `pairs()` has ended."""
        self._hashes = np.ascontiguousarray(hashes)
        self._ranks = hash_ranks(hashes)
        self._target = aim.target
        self._target_distance = max_distance if aim.target_level is None else min(aim.target_level, max_distance)
        self._progress, self._stop = progress, stop
        drawn = np.random.default_rng(SEED).permutation(m)
        self._planning = np.sort(drawn[:PLANNING_IMAGES])
        rest = drawn[PLANNING_IMAGES:] if m >= PLANNING_IMAGES + aim.sampled_images else drawn
        self._sample = RecallSample("distance", np.sort(rest[: aim.sampled_images]), m, (max_distance, *aim.levels))

    def pairs(self) -> Iterator[HashPairs]:
        """Yield (first, second, distance, orientation), first < second: all pairs found within `max_distance`.

        A pair comes once, or twice where either picture finds the other. Distance and orientation, that of the second
        picture relative to the first, are those of an exhaustive comparison.
        """
        m = len(self._hashes)
        if m < 2:  # noqa: PLR2004 - nothing to compare with
            self.recall = self._sample.recall(self.max_distance, nearest=0, nearest_found=0, cells=0, probes=0)
            return
        cells = HashCells(self._hashes, self.max_distance, self._stop)
        nearest_of_sample = self._scan_sample()
        probes = self._planned_probes(cells)
        for start in range(0, m, _PICTURES):
            pictures = np.arange(start, min(start + _PICTURES, m), dtype=np.int32)
            for share, hits in cells.within(pictures, probes, self.max_distance + SLACK):
                self._stop()
                yield from self._close(hits)
                self._progress(start + int(share * len(pictures)), m)
        self._find_lonely_nearest(cells, min(probes, _NEAREST_PROBES))
        near = nearest_of_sample <= self.max_distance
        images = self._sample.images[near]
        self.recall = self._sample.recall(
            self.max_distance,
            nearest=int(np.count_nonzero(near)),
            nearest_found=int(np.count_nonzero(self.nearest_distance[images] <= nearest_of_sample[near])),
            cells=cells.cells.count,
            probes=min(probes, cells.cells.count),
        )
        self._progress(m, m)

    def _close(self, hits: Hits) -> Iterator[HashPairs]:
        first, second = np.minimum(*hits), np.maximum(*hits)
        distance, orientation = hash_distances(self._hashes, self._ranks, first, second)
        self._keep_nearest(first, second, distance)
        near = distance <= self.max_distance
        if near.any():
            first, second, distance = first[near], second[near], distance[near]
            self._sample.add_found(first, second, distance)
            yield first, second, distance, orientation[near]

    def _keep_nearest(self, first: NDArray[np.int32], second: NDArray[np.int32], distance: NDArray[np.int16]) -> None:
        """Keep the nearer one for both of each pair; of equally near ones that with the smaller number."""
        for images, others in ((first, second), (second, first)):
            order = np.lexsort((others, distance, images))
            image, place = np.unique(images[order], return_index=True)
            found, bits = others[order][place], distance[order][place]
            before = self.nearest_distance[image]
            nearer = (bits < before) | ((bits == before) & ((found < self.nearest[image]) | (self.nearest[image] < 0)))
            self.nearest[image[nearer]] = found[nearer]
            self.nearest_distance[image[nearer]] = bits[nearer]

    def _find_lonely_nearest(self, cells: HashCells, probes: int) -> None:
        """Look for the nearest of those pictures that have no pair."""
        lonely = np.flatnonzero(self.nearest < 0).astype(np.int32)
        for start in range(0, len(lonely), _LONELY):
            self._stop()
            pictures = lonely[start : start + _LONELY]
            found = cells.nearest(pictures, probes)
            seekers = np.broadcast_to(pictures[:, None], found.shape)[found >= 0]
            hits = distinct(seekers, found[found >= 0], len(self._hashes))
            distance, _ = hash_distances(self._hashes, self._ranks, *hits)
            self._keep_nearest(*hits, distance)

    def _scan_sample(self) -> NDArray[np.int16]:
        """Compare the sampled pictures with all: count their pairs, note some to plan by, return each one's nearest."""
        m = len(self._hashes)
        nearest = np.full(m, BITS, dtype=np.int16)
        images = np.union1d(self._planning, self._sample.images).astype(np.int32)
        sampled, planning = np.isin(np.arange(m), self._sample.images), np.isin(np.arange(m), self._planning)
        priority = np.random.default_rng(SEED)
        planned = np.empty((0, 3))
        for image, other in exact_hits(self._hashes, self._ranks, images, self.max_distance, self._stop):
            distance, _ = hash_distances(self._hashes, self._ranks, image, other)
            self._sample.add_exact(distance[sampled[image]])
            np.minimum.at(nearest, image, distance)
            near = planning[image] & (distance <= self._target_distance)
            new = np.stack([priority.random(int(near.sum())), image[near], other[near]], axis=1)
            planned = np.concatenate([planned, new])
            planned = planned[np.argsort(planned[:, 0], kind="stable")[:PLANNING_PAIRS]]  # each pair as likely
        self._planned = planned[:, 1:].astype(np.int32)
        of_sample: NDArray[np.int16] = nearest[self._sample.images]
        return of_sample

    def _planned_probes(self, cells: HashCells) -> int:
        ranks = np.full(len(self._planned), PROBES[-1])
        for start in range(0, len(ranks), _LONELY):
            one, other = self._planned[start : start + _LONELY].T
            _, turn = hash_distances(self._hashes, self._ranks, one, other)
            for seeker, found, turned in ((one, other, turn), (other, one, INVERSE[turn])):
                probed = cells.probed(seeker, PROBES[-1])[np.arange(len(seeker)), turned]
                hit = probed == cells.home[found][:, None]
                rank = np.where(hit.any(axis=1), hit.argmax(axis=1), PROBES[-1])
                ranks[start : start + _LONELY] = np.minimum(ranks[start : start + _LONELY], rank)
        return probes_for(ranks, PROBES, self._target)
