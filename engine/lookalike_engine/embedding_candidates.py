"""Pairs of pictures whose embeddings are close, without comparing every picture with every other.

The vectors are parted into cells (`cells`); a picture is compared with those in the cells nearest to it, all of them,
by a matrix product. No list of neighbours is cut: whatever is close in a probed cell is yielded. Products of whole
integers are exact in float32 below 2**24, whatever the BLAS: no pair is lost to rounding.

faiss's own inverted lists of 8-bit codes (IVF-SQ8, range search) would have rounding to allow for, and need a second
copy of the vectors in memory. Going through such lists took 4.4 times as long as the products, at 100,000 x 1280 and
8 probes; making the cells, which both need, took longer than either.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cells import SEED, TRAINING_ROUNDS, TRAINING_SHARE, Cells, cells_for, probes_for
from lookalike_engine.recall import DEFAULT_AIM, Aim, Recall, RecallSample

Pairs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]

LONGEST: Final = 4096.0
"""Up to this norm no sum within a dot product of whole numbers leaves what float32 holds exactly."""

ROUNDING: Final = 1e-6
"""Pairs that far below `least_cosine` are yielded too: whoever scores them again may round otherwise."""

PROBES: Final = (8, 16, 32, 64)
"""Cells searched for each picture: the fewest that reach the target on the pairs of a sample, at worst the last."""

PLANNING_IMAGES: Final = 500
"""Drawn to choose the number of probes by; the recall is measured on others."""
PLANNING_PAIRS: Final = 20_000

_ROWS: Final = 8192
_BLOCK: Final = 2048
"""Rows and columns of one matrix product: 16 MiB of cosines, and at most 4 million pairs yielded at once."""


class EmbeddingCandidates:
    """One search; `pairs()` runs it, and when that has ended the other attributes hold the outcome.

    `embeddings` (m, dim), int16, whole numbers of norm 4096 at most, is only read, in batches: a memory map will do.
    At 1,000,000 x 1280 the search itself takes some 0.7 GB beside the pages of the map. `least_cosine` may be raised
    while `pairs()` runs, where too many come.
    `progress(done, total)` is told of comparisons made; it and `stop()` may raise to end the work.

    The same input gives the same pairs on the same machine. Elsewhere another BLAS may round a centroid otherwise and
    put a picture on the border of two cells into the other one: which pairs are *missed* may differ, never a cosine.

    Raises MissingFaissError, and ValueError for vectors that are too long.
    """

    def __init__(
        self,
        embeddings: NDArray[np.int16],
        least_cosine: float,
        *,
        aim: Aim = DEFAULT_AIM,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.least_cosine = least_cosine
        self.nearest: NDArray[np.int32] = np.full(len(embeddings), -1, dtype=np.int32)
        """The nearest other picture *found* (m,), close or not: approximate. -1 where the cells held no other."""
        self.nearest_cosine: NDArray[np.float32] = np.full(len(embeddings), -np.inf, dtype=np.float32)
        """Its cosine (m,); minus infinity where there is none."""
        self.recall: Recall | None = None
        """None until `pairs()` has ended."""
        self._embeddings = embeddings
        self._target = aim.target
        self._target_cosine = max(least_cosine, least_cosine if aim.target_level is None else aim.target_level)
        self._stop = stop
        self._progress = progress
        self._done = self._total = 0
        self._inverse = self._inverse_norms()
        drawn = np.random.default_rng(SEED).permutation(len(embeddings))
        self._planning = np.sort(drawn[:PLANNING_IMAGES])
        rest = drawn[PLANNING_IMAGES:] if len(drawn) >= PLANNING_IMAGES + aim.sampled_images else drawn
        self._sample = RecallSample(
            "cosine", np.sort(rest[: aim.sampled_images]), len(drawn), (least_cosine, *aim.levels)
        )

    def pairs(self) -> Iterator[Pairs]:
        """Yield (first, second, product), first < second: each pair found at `least_cosine` or closer, once.

        The product is that of the embeddings as they are, a whole number. Pairs that miss `least_cosine` by 0.000001
        are yielded too.
        """
        m, dim = self._embeddings.shape
        if m < 2:  # noqa: PLR2004 - nothing to compare with
            self.recall = self._sample.recall(self.least_cosine, nearest=0, nearest_found=0, cells=0, probes=0)
            return
        count = cells_for(m)
        drawn = np.sort(np.random.default_rng(SEED).choice(m, min(m, count * TRAINING_SHARE), replace=False))
        sampled = len(self._planning) + len(self._sample.images)
        self._total = (TRAINING_ROUNDS * len(drawn) + m) * count + (sampled + PROBES[0] * m // count) * m
        training = np.empty((len(drawn), dim), dtype=np.float32)
        for start in range(0, len(drawn), _ROWS):
            training[start : start + _ROWS] = self._unit(drawn[start : start + _ROWS])

        def between_rounds() -> None:
            self._stop()
            self._told(len(drawn) * count)

        cells = Cells.train(training, count, self.least_cosine, between_rounds)
        del training
        best = self._scan_sample()
        probes = self._planned_probes(cells)
        probed = np.empty((m, min(probes, cells.count)), dtype=np.min_scalar_type(cells.count))
        for start in range(0, m, _ROWS):
            self._stop()
            rows = np.arange(start, min(start + _ROWS, m))
            probed[rows] = cells.nearest(self._unit(rows), probes)
            self._told(len(rows) * count)
        yield from self._joined(probed, cells.count)
        images = self._sample.images
        self.recall = self._sample.recall(
            self.least_cosine,
            nearest=len(images),
            nearest_found=int(np.count_nonzero(self.nearest_cosine[images] >= best)),
            cells=cells.count,
            probes=probed.shape[1],
        )
        self._progress(self._total, self._total)

    def _joined(self, probed: NDArray[np.unsignedinteger], cells: int) -> Iterator[Pairs]:
        """Compare, cell by cell, the pictures in it with all that probe it."""
        probes = probed.shape[1]
        home = probed[:, 0]
        by_home = np.argsort(home, kind="stable").astype(np.int32)
        by_probe = (np.argsort(probed, axis=None, kind="stable") // probes).astype(np.int32)
        ends = np.cumsum(np.bincount(home, minlength=cells))
        probe_ends = np.cumsum(np.bincount(probed.ravel(), minlength=cells))
        self._total = self._done + int((np.diff(ends, prepend=0) * np.diff(probe_ends, prepend=0)).sum())
        for cell in range(cells):
            members = by_home[ends[cell - 1] if cell else 0 : ends[cell]]
            seekers = by_probe[probe_ends[cell - 1] if cell else 0 : probe_ends[cell]]
            for left in range(0, len(members), _BLOCK):
                columns = members[left : left + _BLOCK]
                there = self._numbers(columns)
                for top in range(0, len(seekers), _BLOCK):
                    self._stop()
                    rows = seekers[top : top + _BLOCK]
                    products = self._numbers(rows) @ there.T
                    cosines = self._cosines(rows, columns, products)
                    self._keep_nearest(rows, columns, cosines)
                    yield from self._close(rows, columns, cosines, products, probed)
                    self._told(len(rows) * len(columns))

    def _cosines(
        self, rows: NDArray[np.integer], columns: NDArray[np.integer], products: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the cosine of each row with each column; minus infinity where they are one picture. Both rise."""
        cosines: NDArray[np.float32] = self._inverse[rows][:, None] * self._inverse[columns]
        cosines *= products
        place = np.minimum(np.searchsorted(columns, rows), len(columns) - 1)
        itself = np.flatnonzero(columns[place] == rows)
        cosines[itself, place[itself]] = -np.inf
        return cosines

    def _close(
        self,
        rows: NDArray[np.int32],
        columns: NDArray[np.int32],
        cosines: NDArray[np.float32],
        products: NDArray[np.float32],
        probed: NDArray[np.unsignedinteger],
    ) -> Iterator[Pairs]:
        row, column = np.nonzero(cosines >= self.least_cosine - ROUNDING)
        for start in range(0, len(row), _BLOCK * PROBES[-1]):
            part = slice(start, start + _BLOCK * PROBES[-1])
            seeker, member = rows[row[part]], columns[column[part]]
            # The member's own search comes upon the same pair where it probes the seeker's cell.
            mutual = (probed[member] == probed[seeker, :1]).any(axis=1)
            once = ~mutual | (seeker < member)
            first, second = np.minimum(seeker, member)[once], np.maximum(seeker, member)[once]
            if len(first):
                place = row[part][once], column[part][once]
                self._sample.add_found(first, second, cosines[place])
                yield first, second, products[place]

    def _keep_nearest(self, rows: NDArray[np.int32], columns: NDArray[np.int32], cosines: NDArray[np.float32]) -> None:
        """Keep the nearer one for each row and each column; of equally near ones that with the smaller number."""
        for images, others, place, cosine in (
            (rows, columns, cosines.argmax(axis=1), cosines.max(axis=1)),
            (columns, rows, cosines.argmax(axis=0), cosines.max(axis=0)),
        ):
            found, before = others[place], self.nearest_cosine[images]
            nearer = (cosine > before) | ((cosine == before) & np.isfinite(cosine) & (found < self.nearest[images]))
            self.nearest[images[nearer]] = found[nearer]
            self.nearest_cosine[images[nearer]] = cosine[nearer]

    def _scan_sample(self) -> NDArray[np.float32]:
        """Compare the sampled pictures with all; return the cosine of each one's nearest, and note pairs to plan by."""
        images = self._sample.images
        best = np.full(len(images), -np.inf, dtype=np.float32)
        priority = np.random.default_rng(SEED)
        planned = np.empty((0, 3))
        for start in range(0, len(self._embeddings), _ROWS):
            self._stop()
            columns = np.arange(start, min(start + _ROWS, len(self._embeddings)))
            there = self._numbers(columns).T
            cosines = self._cosines(images, columns, self._numbers(images) @ there)
            np.maximum(best, cosines.max(axis=1), out=best)
            self._sample.add_exact(cosines[cosines >= self.least_cosine])
            planning = self._cosines(self._planning, columns, self._numbers(self._planning) @ there)
            row, column = np.nonzero(planning >= self._target_cosine)
            new = np.stack([priority.random(len(row)), self._planning[row], columns[column]], axis=1)
            planned = np.concatenate([planned, new])
            planned = planned[
                np.argsort(planned[:, 0], kind="stable")[:PLANNING_PAIRS]
            ]  # a sample, each pair as likely
            self._told((len(images) + len(self._planning)) * len(columns))
        self._planned = planned[:, 1:].astype(np.int64)
        return best

    def _planned_probes(self, cells: Cells) -> int:
        ranks = np.full(len(self._planned), PROBES[-1])
        for start in range(0, len(self._planned), _ROWS):
            pairs = self._planned[start : start + _ROWS]
            probed = [cells.nearest(self._unit(pairs[:, side]), PROBES[-1]) for side in (0, 1)]
            for one, other in (probed, probed[::-1]):
                hit = one == other[:, :1]
                rank = np.where(hit.any(axis=1), hit.argmax(axis=1), PROBES[-1])
                ranks[start : start + _ROWS] = np.minimum(ranks[start : start + _ROWS], rank)
        return probes_for(ranks, PROBES, self._target)

    def _inverse_norms(self) -> NDArray[np.float32]:
        inverse = np.zeros(len(self._embeddings), dtype=np.float32)
        for start in range(0, len(inverse), _ROWS):
            rows = np.asarray(self._embeddings[start : start + _ROWS], dtype=np.float32)
            norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            if norms.size and norms.max() > LONGEST:
                raise ValueError(f"embeddings may have a norm of {LONGEST:.0f} at most, not {norms.max():.1f}")
            inverse[start : start + _ROWS] = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        return inverse

    def _numbers(self, images: NDArray[np.integer]) -> NDArray[np.float32]:
        numbers: NDArray[np.float32] = self._embeddings[images].astype(np.float32)
        return numbers

    def _unit(self, images: NDArray[np.integer]) -> NDArray[np.float32]:
        vectors = self._numbers(images)
        vectors *= self._inverse[images][:, None]
        return vectors

    def _told(self, comparisons: int) -> None:
        self._done += comparisons
        self._progress(min(self._done, self._total), self._total)
