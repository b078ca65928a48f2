"""The close pairs of any number of pictures: all of them, or above a size those that an approximate search comes upon.

Comparing everything takes the square of the number of pictures. Above `SMALL_DATASET` what is compared is what an index
brings together (`candidates`), and how much of it that is gets measured on a sample.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine import embedding_candidates, hash_candidates
from lookalike_engine.candidates import TARGET, compare_candidates
from lookalike_engine.cells import (
    SEED,
    TOO_CLOSE,
    TRAINING_ROUNDS,
    TRAINING_SHARE,
    MissingFaissError,
    faiss_is_installed,
)
from lookalike_engine.fusion import Scale
from lookalike_engine.measured_recall import SAMPLED_IMAGES, measured_recall
from lookalike_engine.pairs import MAX_PAIRS, Pairs, find_pairs
from lookalike_engine.recall import Recall
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import SMALL_DATASET, STEPS

APPROXIMATE_METHOD: Final = {
    "seed": SEED,
    "training": [TRAINING_ROUNDS, TRAINING_SHARE, TOO_CLOSE],
    "probes": [embedding_candidates.PROBES, hash_candidates.PROBES],
    "planned_by": [
        *(embedding_candidates.PLANNING_IMAGES, embedding_candidates.PLANNING_PAIRS),
        *(hash_candidates.PLANNING_IMAGES, hash_candidates.PLANNING_PAIRS),
    ],
    "target": TARGET,
    "sampled_images": SAMPLED_IMAGES,
}
"""What the outcome of an approximate search depends on besides what is searched."""

_LOG: Final = logging.getLogger("lookalike.engine")


@dataclass(frozen=True, slots=True)
class Search:
    """How pairs were looked for."""

    exact: bool
    """Whether every picture was compared with every other."""
    floor_raised: bool
    """Whether pairs were left out because they were too many to keep, so that the floor is higher than was asked."""
    recall: Recall | None = None
    """How much an approximate search found; None for an exact one."""

    def as_json(self) -> dict[str, object]:
        """Return it as it is written into the snapshot, and shown by the Explore API."""
        recall = None if self.recall is None else self.recall.as_json()
        return {"exact": self.exact, "floor_raised": self.floor_raised, "recall": recall}


def search(  # noqa: PLR0913 - what is compared, how, how far, and whom to tell
    signals: SignalRows,
    detail: NDArray[np.float32],
    scale: Scale,
    floor: float,
    *,
    exact_up_to: int = SMALL_DATASET,
    max_pairs: int = MAX_PAIRS,
    on_progress: Callable[[int, int], None],
    stop: Callable[[], None],
) -> tuple[Pairs, Search]:
    """Find the pairs of m pictures at similarity `floor` (0-1) or above, as `find_pairs` does, and say how.

    Above `exact_up_to` pictures the search is approximate, where faiss is installed. `on_progress(done, total)` and
    `stop()` may raise to end the work. Raises TooManyPairsError.
    """
    m = len(detail)
    recall = None
    exact = m <= exact_up_to
    if not exact and not faiss_is_installed():
        exact = True
        _LOG.warning("%d pictures are all compared with each other: %s", m, MissingFaissError())
    if exact:
        pairs = find_pairs(signals, detail, scale, floor, max_pairs=max_pairs, on_block=on_progress)
    else:
        pairs = compare_candidates(
            signals, detail, scale, floor, max_pairs=max_pairs, on_progress=on_progress, stop=stop
        )
        recall = measured_recall(signals, detail, scale, pairs, stop)
    return pairs, Search(exact, round(pairs.floor * STEPS) > round(floor * STEPS), recall)
