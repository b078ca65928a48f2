"""Pairs that a third picture speaks for: two copies of one original that were each changed in another way.

A blurred copy and a cropped one can be too unlike to be told from strangers, and yet each is plainly a copy of the
original that lies beside them. So a pair is as alike as the closer of two accounts: what its own signals say, or what a
*witness* says, a picture that one of the two is all but surely a copy of (`SURE`), and that is as alike to the other as
the pair then counts. One witness, one step: what it says of a pair is never passed on to further pairs, so look-alikes
do not chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.orientation import COMPOSED, INVERSE

SURE: Final = 0.96
"""The similarity from which a picture speaks for another; chosen on the set that scales are fitted on."""

MOST: Final = 50
"""A picture that is this much alike to more others speaks for none: in a crowd of frames all pairs are close anyway."""

_AT_ONCE: Final = 2_000_000
"""Accounts looked at at once, and held before those of one pair are brought down to the closest."""

_Accounts = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]
"""What is said of pairs: their numbers, how alike they are, how the second is turned."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Pairs p of images, each once."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    """Always the greater number of the two."""
    similarity: NDArray[np.float64]
    orientation: NDArray[np.uint8]
    """How the second is turned relative to the first."""


def with_witnesses(pairs: Kept, n: int) -> Kept:
    """Return the pairs of n images, more alike where a witness says so, and those that witnesses alone speak for.

    Nothing gets less alike. A pair keeps its orientation; that of a new one follows from how both are turned relative
    to the witness.
    """
    from_, to, similarity, turned = _both_ways(pairs)
    order = np.argsort(from_, kind="stable")
    from_, to, similarity, turned = from_[order], to[order], similarity[order], turned[order]
    start = np.searchsorted(from_, np.arange(n + 1))
    sure = similarity >= SURE
    crowd = np.bincount(from_[sure], minlength=n) > MOST
    links = np.flatnonzero(sure & ~crowd[from_])
    heard = _accounts(pairs.first, pairs.second, pairs.similarity, pairs.orientation, n)
    more: list[_Accounts] = []
    said = np.cumsum(np.diff(start)[from_[links]])
    for some in np.split(links, np.searchsorted(said, np.arange(_AT_ONCE, said[-1], _AT_ONCE)) if len(said) else []):
        witness = from_[some]
        count = start[witness + 1] - start[witness]
        link = np.repeat(some, count)
        other = np.repeat(start[witness] - np.cumsum(count) + count, count) + np.arange(len(link))
        one, two = to[link], to[other]
        apart = one != two
        link, other, one, two = link[apart], other[apart], one[apart], two[apart]
        relation = COMPOSED[INVERSE[turned[link]], turned[other]]
        swapped = one > two
        more.append(
            _accounts(
                np.minimum(one, two),
                np.maximum(one, two),
                np.minimum(similarity[link], similarity[other]),
                np.where(swapped, INVERSE[relation], relation),
                n,
            )
        )
        if sum(len(key) for key, *_ in more) > max(_AT_ONCE, len(heard[0])):  # many say the same
            heard, more = _closest([heard, *more]), []
    key, alike, orientation = _closest([heard, *more])
    own = np.searchsorted(key, pairs.first.astype(np.int64) * n + pairs.second)
    orientation[own] = pairs.orientation
    return Kept((key // n).astype(np.int32), (key % n).astype(np.int32), alike, orientation)


def _both_ways(
    pairs: Kept,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.uint8]]:
    return (
        np.concatenate([pairs.first, pairs.second]),
        np.concatenate([pairs.second, pairs.first]),
        np.concatenate([pairs.similarity, pairs.similarity]),
        np.concatenate([pairs.orientation, INVERSE[pairs.orientation]]),
    )


def _accounts(
    first: NDArray[np.int32],
    second: NDArray[np.int32],
    similarity: NDArray[np.float64],
    orientation: NDArray[np.uint8],
    n: int,
) -> _Accounts:
    """Return what is said of each pair once, the closest account of it, by rising number of the pair."""
    return _closest([(first.astype(np.int64) * n + second, similarity, orientation)])


def _closest(heard: Sequence[_Accounts]) -> _Accounts:
    """Return the closest account of each pair, of equals the first."""
    key, similarity, orientation = (np.concatenate(column) for column in zip(*heard, strict=True))
    best = _best_of_each(key, similarity)
    return key[best], similarity[best], orientation[best]


def _best_of_each(key: NDArray[np.int64], similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of the highest similarity of each key, by rising key; of equals the first."""
    order = np.lexsort((-similarity, key))
    ordered = key[order]
    return order[np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))] if len(order) else order
