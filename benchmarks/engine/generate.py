"""Makes a near-duplicate benchmark from a folder of distinct photographs: its pictures, and what is true of them.

    python -m benchmarks.engine.generate PHOTOGRAPHS OUT --bursts FOLDER --images 10000

OUT/images holds the pictures under names that say nothing, OUT/truth.csv which are copies of which. The same folder,
seed and versions of Pillow and numpy give the same bytes.
"""

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from benchmarks.engine.edits import EDITS, ON_BACKGROUND
from benchmarks.engine.geometry import on_backdrop
from benchmarks.engine.photographs import Base, load
from benchmarks.engine.plan import Planned, Recipe, planned
from benchmarks.engine.truth import PICTURES, Row, write_truth

ORIGINAL_QUALITY: Final = 92


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("photographs", type=Path, help="a folder of photographs, no two of them alike")
    parser.add_argument("out", type=Path, help="a folder that does not exist yet")
    add_recipe(parser)
    options = parser.parse_args(arguments)
    generate(recipe_of(options), options.out)


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The options that say what a set is made like."""
    parser.add_argument("--bursts", type=Path, action="append", default=[], help="shots of scenes, as hard negatives")
    parser.add_argument("--images", type=int, default=1000, help="pictures in the set (1000)")
    parser.add_argument("--size", type=int, default=512, help="longer side of an original in pixels, at most (512)")
    parser.add_argument("--seed", type=int, default=1)


def recipe_of(options: argparse.Namespace) -> Recipe:
    """What those options say."""
    return Recipe(options.photographs, tuple(options.bursts), options.images, options.size, options.seed)


@dataclass(frozen=True, slots=True)
class _Job:
    """One group, with everything that a process of its own needs to write it."""

    number: int
    base: Base
    edits: tuple[str, ...]
    """By name: the edits themselves cannot be sent to another process."""
    backdrop: Base
    recipe: Recipe
    files: tuple[Path, ...]
    """Of the original, then of each edit."""


def generate(recipe: Recipe, out: Path) -> list[Row]:
    """Write a set below `out`; what is true of it, in order of the file names. Raises `SystemExit` if it exists."""
    if out.exists():
        raise SystemExit(f"{out} is there already: name a new folder, or delete it")
    groups = planned(recipe)
    rows = _rows(groups, recipe)
    pictures = out / PICTURES
    pictures.mkdir(parents=True)
    jobs = [
        _Job(
            number,
            group.base,
            tuple(edit.name for edit in group.edits),
            groups[group.backdrop].base,
            recipe,
            tuple(pictures / row.file for row in rows[number]),
        )
        for number, group in enumerate(groups)
    ]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for done, _ in enumerate(pool.map(_write_group, jobs, chunksize=8), 1):
            if done % 500 == 0 or done == len(groups):
                print(f"made {done:,} of {len(groups):,} groups", file=sys.stderr)
    table = sorted((row for group in rows for row in group), key=lambda row: row.file)
    write_truth(out, table)
    kinds = Counter(group.base.kind for group in groups)
    said = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    print(f"{out}: {len(table):,} images; originals: {said}", file=sys.stderr)
    return table


def _rows(groups: Sequence[Planned], recipe: Recipe) -> list[list[Row]]:
    """What is true of each group's pictures, the original first; file names come in random order."""
    count = sum(1 + len(group.edits) for group in groups)
    names = iter(np.random.default_rng([recipe.seed, count]).permutation(count).tolist())
    rows: list[list[Row]] = []
    for number, group in enumerate(groups):
        of = f"g{number:06}"
        original = f"{next(names):06}.jpg"
        base = group.base
        rows.append([Row(original, of, original, "original", "original", base.kind, base.scene)])
        for edit in group.edits:
            backdrop = f"g{group.backdrop:06}" if edit.name == ON_BACKGROUND else ""
            file = f"{next(names):06}{edit.suffix}"
            rows[-1].append(Row(file, of, original, edit.tier, edit.name, base.kind, base.scene, backdrop))
    return rows


def _write_group(job: _Job) -> None:
    original = job.files[0]
    load(job.base, job.recipe.size).save(original, "JPEG", quality=ORIGINAL_QUALITY)
    with Image.open(original) as opened:
        picture = opened.convert("RGB")
    for place, (name, file) in enumerate(zip(job.edits, job.files[1:], strict=True)):
        edit = EDITS[name]
        rng = np.random.default_rng([job.recipe.seed, job.number, place])
        if edit.name == ON_BACKGROUND:
            changed = on_backdrop(picture, rng, load(job.backdrop, job.recipe.size))
        elif edit.change is None:
            shutil.copyfile(original, file)
            continue
        else:
            changed = edit.change(picture, rng)
        changed.save(file, edit.stored_as, quality=edit.quality)


if __name__ == "__main__":
    main()
