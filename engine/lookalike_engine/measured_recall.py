"""The recall of an approximate search as a whole: some of its pictures are compared with all, by all signals."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cells import SEED
from lookalike_engine.fusion import Scale, cosine_steps
from lookalike_engine.hash_distance import hash_ranks
from lookalike_engine.hashing import effective_distance, reliance
from lookalike_engine.orientation import Orientation
from lookalike_engine.pairs import Pairs, signs
from lookalike_engine.recall import Recall, RecallSample
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import HASH_BITS, NEAR_DUPLICATE, STEPS

SAMPLED_IMAGES: Final = 500
"""At 1,000,000 pictures, half a billion comparisons: as many as 30,000 pictures take that are all compared."""

_COLUMNS: Final = 1024


def measured_recall(
    signals: SignalRows, detail: NDArray[np.float32], scale: Scale, pairs: Pairs, stop: Callable[[], None]
) -> Recall:
    """Return how many of the pairs of sampled pictures are among `pairs`, at 0.95 and at the floor.

    `signals` and `detail` are of all m pictures, as they were compared. `stop` may raise to end the work.
    """
    m = len(detail)
    images = np.sort(np.random.default_rng(SEED).choice(m, min(SAMPLED_IMAGES, m), replace=False))
    sample = RecallSample("similarity", images, m, (pairs.floor, NEAR_DUPLICATE))
    best = np.zeros(len(images), dtype=np.int16)
    floor = round(pairs.floor * STEPS)
    for similarity in _compared(signals, detail, scale, images, stop):
        sample.add_exact(similarity[similarity >= floor] / STEPS)
        np.maximum(best, similarity.max(axis=1), out=best)
    sample.add_found(pairs.first, pairs.second, pairs.similarity)
    known = np.round(pairs.nearest_similarity[images] * STEPS) >= best
    return sample.recall(pairs.floor, nearest=len(images), nearest_found=int(np.count_nonzero(known)))


def _compared(
    signals: SignalRows,
    detail: NDArray[np.float32],
    scale: Scale,
    images: NDArray[np.int64],
    stop: Callable[[], None],
) -> Iterator[NDArray[np.int16]]:
    """Yield the similarity of each of the images with each picture of a block, in steps; 0 with itself."""
    hashes, embeddings = signals.hashes, signals.embeddings
    ranks, relied = hash_ranks(hashes), reliance(detail)
    turned, upright = _turned(hashes[images]), signs(hashes[images, Orientation.UPRIGHT])
    embedded = embeddings[images].astype(np.float32)
    for left in range(0, len(detail), _COLUMNS):
        stop()
        block = slice(left, left + _COLUMNS)
        there = np.ascontiguousarray(hashes[block])
        # Of two pictures the one whose hash sorts first is turned, see `pairs`.
        closeness = np.where(
            ranks[images][:, None] < ranks[block],
            (turned @ signs(there[:, Orientation.UPRIGHT]).T).reshape(len(Orientation), len(images), -1).max(axis=0),
            (upright @ _turned(there).T).reshape(len(images), len(Orientation), -1).max(axis=1),
        )
        distance = ((HASH_BITS - closeness) * np.float32(0.5)).astype(np.int16)
        one, other = relied[images][:, None], relied[block]
        cosine = None
        if scale.uses_cosine:
            products = embedded @ embeddings[block].astype(np.float32).T
            cosine = cosine_steps(products, one, other, scale.detail_penalty)
        similarity = scale.steps(effective_distance(distance, one, other), cosine)
        similarity[images[:, None] == np.arange(left, left + len(there))] = 0
        yield similarity


def _turned(hashes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the signs of hashes (p, 8, 32) as (8 p, 256): those of all in one orientation together."""
    return signs(hashes.transpose(1, 0, 2).reshape(-1, HASH_BITS // 8))
