"""How much alike a dataset's own pictures are to begin with, and what that does to the scale.

How close two unrelated pictures come depends on what a dataset is about. Half of the pairs of mixed photographs reach
a cosine of 0.31 (EfficientNet-Lite0), but of photographs of the night sky 0.56, of computer graphics of one style 0.71;
and the hashes of pages filled in on one template are some 30 bits apart where those of photographs are 118. On a scale
made for mixed photographs, unlike pictures of such a dataset would pass for near-duplicates. So what is missing to a
cosine of 1, and the distance of hashes, is stretched until the dataset's own median pair is as far apart as that of
mixed photographs is; where it is farther apart already, nothing changes. It can only make fewer pairs close.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.embedder import NORM
from lookalike_engine.fusion import Scale
from lookalike_engine.hashing import effective_distance, reliance
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import HASH_BITS

ENOUGH: Final = 30
"""Pictures; the median of fewer says too little, and few pictures have few pairs that could be wrong."""

_SAMPLE: Final = 1000
_BLIND: Final = 0.9
"""From this median on a model sees no difference between a dataset's pictures: what it says counts for nothing."""
_NOTHING: Final = 4096.0
"""Stretched so far, every cosine below 1 counts as 0."""
_FEWEST_BITS: Final = 30
"""A median distance below this counts as this: more than half of all pairs may be copies of one another."""

SAMPLED_BY: Final = {"enough": ENOUGH, "sample": _SAMPLE, "blind": _BLIND, "fewest_bits": _FEWEST_BITS}
"""What a stretch depends on besides the pictures and the scale."""


class Stretch(NamedTuple):
    """How many times as much counts what a pair's signals are apart; 1 or more each."""

    cosine: float = 1.0
    distance: float = 1.0


def stretch_for(
    rows: SignalRows, detail: NDArray[np.float32], images: NDArray[np.integer], keys: Sequence[bytes], scale: Scale
) -> Stretch:
    """Return the stretch for those m `images` of the pictures that `rows` and `detail` are about.

    `keys` (m) are their byte hashes: those that sort first make the sample, and of two pictures of it the first is the
    one that is turned, so that neither names nor order decide.
    `scale` is that of mixed photographs.
    """
    if len(keys) < ENOUGH:
        return Stretch()
    chosen = images[sorted(range(len(keys)), key=keys.__getitem__)[:_SAMPLE]]
    above = np.triu_indices(len(chosen), 1)
    apart = float(np.median(_distances(rows.hashes[chosen], detail[chosen])[above]))
    stretch = max(1.0, scale.usual_distance / max(apart, _FEWEST_BITS))
    if not rows.embeddings.shape[1]:
        return Stretch(distance=stretch)
    vectors = rows.embeddings[chosen].astype(np.float32)
    median = round(float(np.median((vectors @ vectors.T)[above])) / NORM**2, 2)
    return Stretch(_NOTHING if median >= _BLIND else max(1.0, (1 - scale.usual_cosine) / (1 - median)), stretch)


def _distances(hashes: NDArray[np.uint8], detail: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return the effective hash distances (m, m), each row's picture being the one that is turned."""
    signs = np.unpackbits(hashes, axis=2).astype(np.float32) * 2 - 1
    closest = np.full((len(hashes), len(hashes)), -HASH_BITS, dtype=np.float32)
    for turned in signs.swapaxes(0, 1):
        np.maximum(closest, turned @ signs[:, 0].T, out=closest)
    relied = reliance(detail)
    return effective_distance(((HASH_BITS - closest) / 2).astype(np.int16), relied[:, None], relied)
