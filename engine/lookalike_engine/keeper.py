"""Which image of a cluster to keep, and what decided it.

Exact copies: the shortest path, then the first in alphabetical order. Near copies: the most pixels, then the largest
file, then the oldest, then the first path. Advice only: nothing is ever moved.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.runs import members_of_runs

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


def near_rank(traits: Traits) -> NDArray[np.int32]:
    """Return how good a keeper each image is among near copies (n,): 0 for the best of all."""
    everyone = np.arange(len(traits.file_size))
    together = np.zeros(len(everyone), dtype=np.int64)
    rank = np.empty(len(everyone), dtype=np.int32)
    rank[best_first(traits, everyone, together, together > 0)] = everyone
    return rank


def exact_keepers(
    traits: Traits, images: NDArray[np.integer], start: NDArray[np.integer], size: NDArray[np.integer]
) -> NDArray[np.integer]:
    """Return the image to keep of each cluster of exact copies (c,): `images` from `start` to `start + size` - 1."""
    members, cluster = members_of_runs(images, start, size)
    best = best_first(traits, members, cluster, np.ones(len(members), dtype=np.bool_))
    keepers: NDArray[np.integer] = members[best[np.cumsum(size) - size]]
    return keepers


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
