"""How much alike a dataset's own pictures are to begin with, and what that does to the scale.

The cosine of two unrelated pictures depends on what a dataset is about: half of the pairs of mixed photographs reach
0.31 (EfficientNet-Lite0), but of photographs of the night sky 0.56, and of computer graphics of one style 0.71. On a
scale made for mixed photographs, unlike pictures of such a dataset would pass for near-duplicates. So what is missing
to a cosine of 1 is stretched until the dataset's own median pair is as far apart as that of mixed photographs is; where
it is farther apart already, nothing changes. It can only make fewer pairs close, never more.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.embedder import NORM

ENOUGH: Final = 30
"""Pictures; the median of fewer says too little, and few pictures have few pairs that could be wrong."""

_SAMPLE: Final = 1000
_HIGHEST: Final = 0.75
"""A median above this counts as this: more than half of all pairs may be copies of one another."""


def stretch_for(
    embeddings: NDArray[np.int16], images: NDArray[np.integer], keys: Sequence[bytes], usual_cosine: float
) -> float:
    """Return the stretch, 1 or more, for some (m) of the images with these embeddings (n, dimension).

    `keys` (m) are the byte hashes of `images`: those that sort first make the sample, so that neither names nor order
    decide. No more of the embeddings is read: a memory map will do.
    """
    if len(keys) < ENOUGH or not embeddings.shape[1]:
        return 1.0
    chosen = sorted(range(len(keys)), key=keys.__getitem__)[:_SAMPLE]
    vectors = embeddings[np.sort(images[chosen])].astype(np.float32)
    products = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    median = round(float(np.median(products)) / NORM**2, 2)
    return max(1.0, (1 - usual_cosine) / (1 - min(median, _HIGHEST)))
