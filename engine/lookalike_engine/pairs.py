"""Every pair of pictures that is alike by all signals together, and everyone's nearest other picture.

One exhaustive pass finds both: no index, no limit of neighbours. Hamming distances come from matrix products of ±1
vectors, cosines from products of embeddings, block by block over the upper triangle, so memory stays bounded whatever
the number of pictures. All products are of whole numbers that 32-bit floating point holds exactly: no outcome depends
on how they are added up.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.collected import Collected
from lookalike_engine.fusion import Scale, cosine_steps
from lookalike_engine.hashing import effective_distance, reliance
from lookalike_engine.orientation import INVERSE, Orientation
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import HASH_BITS, STEPS, distance_at

MAX_PAIRS: Final = 20_000_000
"""As many as 6,300 pictures have that are all alike. Linking 3 million took 4 to 11 s and 160 MB on two cores."""

ORIENTED: Final = distance_at(0.70)
"""Bits; hashes farther apart say nothing of how one picture is turned relative to the other."""

ROUNDING: Final = 1e-6
"""Steps: what floating point may add to a similarity that was asked for."""

_ROWS: Final = 512
_COLUMNS: Final = 2048
_NONE: Final = -1
"""Stands for the similarity of a pair that is none."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The close pairs of m pictures. Pictures are numbered as in the arrays of their signals."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    """Always the greater number of the two."""
    similarity: NDArray[np.float64]
    """0-0.999, in whole steps of 0.0001."""
    distance: NDArray[np.int16]
    """Bits of the hash that differ, 0..256, in the orientation that has the fewest."""
    orientation: NDArray[np.uint8]
    """How the second picture is turned relative to the first; upright where two orientations are equally close, and
    where the hashes are too far apart to tell."""
    floor: float
    """Every pair at this similarity or above is here: what was asked for, or more where they would not have fitted."""
    nearest: NDArray[np.int32]
    """Each picture's nearest other one (m,), close or not; -1 where there is no other."""
    nearest_similarity: NDArray[np.float64]
    """How alike they are (m,); 0 where there is no other."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Some of the upper triangle: pictures `rows` against pictures `columns`, numbered as their hashes sort."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    closeness: NDArray[np.float32]
    """256 minus twice the bits that differ, in each orientation: (8, rows, columns)."""
    products: NDArray[np.float32] | None
    """Of the embeddings (rows, columns)."""


def find_pairs(  # noqa: PLR0913 - what is compared, how, how far, and whom to tell
    signals: SignalRows,
    detail: NDArray[np.float32],
    scale: Scale,
    floor: float,
    *,
    max_pairs: int = MAX_PAIRS,
    on_block: Callable[[int, int], None] | None = None,
) -> Pairs:
    """Find all pairs of m pictures, of this `detail` (m,) each, at similarity `floor` (0-1) or above.

    The hash distance of two pictures is taken between the turned hashes of the one whose upright hash sorts first and
    the upright hash of the other: it depends on the two alone and not on their order. Where more than `max_pairs` pairs
    would have to be kept, the least alike are dropped, all of one similarity at a time, and `Pairs.floor` says how far
    the rest reach. `on_block(done, total)` is told how many pairs have been compared; what it raises ends the search.

    Raises TooManyPairsError where even the pairs that are most alike exceed `max_pairs`.
    """
    hashes = signals.hashes
    m = len(hashes)
    order = np.lexsort(hashes[:, 0].T[::-1]) if m else np.zeros(0, dtype=np.int64)
    relied = reliance(detail)[order]
    collected = Collected(in_steps_up(floor), max_pairs)
    nearest = Nearest(m)
    done = 0
    for block in _blocks(signals, order, uses_cosine=scale.uses_cosine):
        best = block.closeness.max(axis=0)
        distance = ((HASH_BITS - best) * np.float32(0.5)).astype(np.int16)
        one, other = relied[block.rows, None], relied[block.columns]
        cosine = None
        if block.products is not None:
            cosine = cosine_steps(block.products, one, other, scale.detail_penalty)
        similarity = scale.steps(effective_distance(distance, one, other), cosine)
        if block.columns[0] <= block.rows[-1]:  # the block holds part of the diagonal
            similarity[block.columns[None, :] <= block.rows[:, None]] = _NONE
        nearest.see(block.rows, block.columns, similarity)
        row, column = np.nonzero(similarity >= collected.floor)
        turned = block.closeness[:, row, column].argmax(axis=0).astype(np.uint8)
        apart = distance[row, column]
        turned[apart > ORIENTED] = Orientation.UPRIGHT
        collected.add(block.rows[row], block.columns[column], similarity[row, column], apart, turned)
        done += int(np.maximum(block.columns[-1] - np.maximum(block.rows, block.columns[0] - 1), 0).sum())
        if on_block is not None:
            on_block(done, m * (m - 1) // 2)
    return in_original_numbers(collected, order, nearest.image, nearest.similarity)


def _blocks(signals: SignalRows, order: NDArray[np.int64], *, uses_cosine: bool) -> Iterator[_Block]:
    m = len(order)
    for top in range(0, m, _ROWS):
        rows = np.arange(top, min(top + _ROWS, m))
        turned = signs(signals.hashes[order[rows]].transpose(1, 0, 2).reshape(-1, HASH_BITS // 8))
        embedded = signals.embeddings[order[rows]].astype(np.float32) if uses_cosine else None
        for left in range(top, m, _COLUMNS):
            columns = np.arange(left, min(left + _COLUMNS, m))
            upright = signs(signals.hashes[order[columns], 0])
            closeness = (turned @ upright.T).reshape(len(Orientation), len(rows), len(columns))
            products = None
            if embedded is not None:
                products = embedded @ signals.embeddings[order[columns]].astype(np.float32).T
            yield _Block(rows, columns, closeness, products)


class Nearest:
    """Each picture's nearest other one so far; of several, the one whose hash sorts first.

    Pictures are numbered as their hashes sort.
    """

    def __init__(self, m: int) -> None:
        self.image = np.full(m, -1, dtype=np.int64)
        self.similarity = np.full(m, _NONE, dtype=np.int16)

    def see(self, rows: NDArray[np.int64], columns: NDArray[np.int64], similarity: NDArray[np.int16]) -> None:
        """Take note of a block; -1 stands for pairs that are none."""
        by_row, by_column = similarity.argmax(axis=1), similarity.argmax(axis=0)
        self._keep(rows, columns[by_row], similarity[np.arange(len(rows)), by_row])
        self._keep(columns, rows[by_column], similarity[by_column, np.arange(len(columns))])

    def see_pairs(self, one: NDArray[np.int64], other: NDArray[np.int64], similarity: NDArray[np.int16]) -> None:
        """Take note of pairs (p,), in any order and more than once."""
        for pictures, candidates in ((one, other), (other, one)):
            order = np.lexsort((candidates, -similarity, pictures))
            picture, place = np.unique(pictures[order], return_index=True)
            best = order[place]
            self._keep(picture, candidates[best], similarity[best])

    def _keep(self, pictures: NDArray[np.int64], candidates: NDArray[np.int64], similarity: NDArray[np.int16]) -> None:
        before, known = self.similarity[pictures], self.image[pictures]
        nearer = (similarity > before) | ((similarity == before) & (candidates < known))
        nearer &= similarity >= 0
        self.image[pictures[nearer]] = candidates[nearer]
        self.similarity[pictures[nearer]] = similarity[nearer]


def signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return packed hashes (h, 32) as rows of 1 and -1 (h, 256)."""
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1


def in_steps_up(floor: float) -> int:
    """Return the lowest number of steps of 0.0001 that reaches this similarity."""
    return math.ceil(floor * STEPS - ROUNDING)


def in_original_numbers(
    collected: Collected, order: NDArray[np.int64], nearest: NDArray[np.int64], nearest_similarity: NDArray[np.int16]
) -> Pairs:
    """Return what was found between pictures numbered along `order`; -1 in `nearest` for none."""
    first, second, similarity, distance, orientation = collected.joined()
    one, other = order[first].astype(np.int32), order[second].astype(np.int32)
    swapped = one > other
    image = np.full(len(order), -1, dtype=np.int32)
    image[order] = np.where(nearest >= 0, order[nearest], -1) if len(order) else nearest
    alike = np.zeros(len(order))
    alike[order] = np.maximum(nearest_similarity, 0) / STEPS
    return Pairs(
        first=np.minimum(one, other),
        second=np.maximum(one, other),
        similarity=similarity / STEPS,
        distance=distance,
        orientation=np.where(swapped, INVERSE[orientation], orientation),
        floor=collected.floor / STEPS,
        nearest=image,
        nearest_similarity=alike,
    )
