"""Which image of a cluster to keep, and what decided it.

Exact copies: the shortest path, then the first in alphabetical order. Near copies: the most pixels, then the largest
file, then the oldest, then the first path. Advice only: nothing is ever moved.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Reason = Literal["shortest_path", "most_pixels", "largest_file", "oldest", "first_path"]


@dataclass(frozen=True, slots=True)
class Traits:
    """What the choice looks at, one entry per image; images are numbered in alphabetical order of their paths."""

    path_length: NDArray[np.integer]
    """Characters of the path."""
    pixels: NDArray[np.integer]
    file_size: NDArray[np.integer]
    """Bytes."""
    modified_ns: NDArray[np.integer]


def best_first(
    traits: Traits, images: NDArray[np.integer], cluster: NDArray[np.integer], exact: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the positions of `images` (m,) by cluster, the best keeper of each first.

    `cluster` and `exact` (m,) are each image's cluster and whether that cluster's members are all pixel-equal.
    """
    keys = _keys(traits, images, exact)
    return np.lexsort((images, *(key for _, key in reversed(keys)), cluster))


def reason(traits: Traits, keeper: int, runner_up: int, *, exact: bool) -> Reason:
    """Tell what put the keeper before the runner-up."""
    both = np.array([keeper, runner_up])
    for name, key in _keys(traits, both, np.array([exact, exact])):
        if key[0] != key[1]:
            return name
    return "first_path"


def _keys(
    traits: Traits, images: NDArray[np.integer], exact: NDArray[np.bool_]
) -> list[tuple[Reason, NDArray[np.int64]]]:
    """Return what is compared, first things first, the smaller the better; 0 where it does not count."""
    return [
        ("shortest_path", np.where(exact, traits.path_length[images], 0).astype(np.int64)),
        ("most_pixels", np.where(exact, 0, -traits.pixels[images])),
        ("largest_file", np.where(exact, 0, -traits.file_size[images])),
        ("oldest", np.where(exact, 0, traits.modified_ns[images])),
    ]
