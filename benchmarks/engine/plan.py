"""Which pictures a set is made of, and which edits of each are in it, decided by one seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.engine.edits import EDITS, TIER_SHARE, Edit
from benchmarks.engine.geometry import Random
from benchmarks.engine.photographs import Base, bursts_below, photographs_below, windows_of

BURST_SHARE: Final = 0.15
"""At most this part of a set are bursts."""
COPIES_SHARE: Final = (0.34, 0.16, 0.13, 0.12, 0.10, 0.08, 0.07)
"""How often a picture gets 0, 1, … 6 copies: a third has none, and there are 3 images to a picture on average."""
IMAGES_PER_BASE: Final = 3


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a set is made from."""

    photographs: Path
    bursts: tuple[Path, ...] = ()
    images: int = 1000
    size: int = 512
    """Pixels of the longer side of an original, at most."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Planned:
    """One group of the set: an original and what is made of it."""

    base: Base
    edits: tuple[Edit, ...]
    backdrop: int
    """The number of the group whose picture stands behind this one where an edit pastes it onto another."""


def planned(recipe: Recipe) -> list[Planned]:
    """The groups of a set, `recipe.images` pictures in all.

    Photographs are taken first. Where they are fewer than the originals needed, windows of large ones come to them;
    where that is not enough either, each gets more copies. Raises `SystemExit` if the folder cannot give as many.
    """
    rng = np.random.default_rng(recipe.seed)
    bursts = _some(bursts_below(recipe.bursts), round(recipe.images * BURST_SHARE), rng)
    wanted = recipe.images - len(bursts)
    needed = -(-wanted // IMAGES_PER_BASE)
    photographs = photographs_below(recipe.photographs)
    bases = _some(photographs, needed, rng)
    if len(bases) < needed:
        bases = [*bases, *windows_of(bases, recipe.size, rng, needed - len(bases))]
    copies = _copies(len(bases), wanted, rng)
    groups = [
        Planned(base, _edits(count, rng), _other(number, len(copies), rng))
        for number, (base, count) in enumerate(zip(bases, copies, strict=False))
    ]
    return [*groups, *(Planned(shot, (), number) for number, shot in enumerate(bursts, len(groups)))]


def _some(bases: Sequence[Base], count: int, rng: Random) -> list[Base]:
    return [bases[int(number)] for number in rng.permutation(len(bases))[:count]]


def _copies(bases: int, images: int, rng: Random) -> list[int]:
    """How many copies each of the first bases gets, so that there are `images` pictures with the originals."""
    copies: list[int] = []
    while len(copies) < bases and sum(copies) + len(copies) < images:
        left = images - sum(copies) - len(copies) - 1
        copies.append(min(left, int(rng.choice(len(COPIES_SHARE), p=COPIES_SHARE))))
    if bases * (len(EDITS) + 1) < images:
        most = bases * (len(EDITS) + 1)
        raise SystemExit(
            f"{bases} distinct pictures make at most {most:,} images: give more photographs or ask for fewer"
        )
    while (missing := images - sum(copies) - len(copies)) > 0:
        number = int(rng.integers(bases))
        more = int(rng.choice(len(COPIES_SHARE), p=COPIES_SHARE))
        copies[number] += min(more, missing, len(EDITS) - copies[number])
    return copies


def _edits(count: int, rng: Random) -> tuple[Edit, ...]:
    edits = list(EDITS.values())
    of_tier = {tier: sum(edit.tier == tier for edit in edits) for tier in TIER_SHARE}
    share = np.array([TIER_SHARE[edit.tier] / of_tier[edit.tier] for edit in edits])
    chosen = rng.choice(len(edits), size=count, replace=False, p=share / share.sum())
    return tuple(edits[int(number)] for number in sorted(chosen))


def _other(number: int, groups: int, rng: Random) -> int:
    """Any group but this one; this one where it is alone."""
    return number if groups == 1 else (number + int(rng.integers(1, groups))) % groups
