"""The distinct pictures that copies are made of: photographs, windows of large ones, and bursts of one scene."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageOps

from benchmarks.engine.geometry import Picture, Random

Kind = Literal["photo", "window", "burst"]
Box = tuple[int, int, int, int]

SMALLEST_SIDE: Final = 64
MOST_WINDOWS_ACROSS: Final = 3
LEAST_DETAIL: Final = 4.0
"""Mean difference of neighbouring values of a window at 64 × 64; sky and blurred backgrounds have less."""
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})


@dataclass(frozen=True, slots=True)
class Base:
    """One distinct picture."""

    path: Path
    kind: Kind
    scene: str
    """Two pictures of one scene are neither copies nor clearly distinct: bursts of a scene, windows of a photograph."""
    box: Box | None = None
    """Of a window, in pixels of the upright photograph."""


def pictures_below(folder: Path) -> list[Path]:
    """Every picture file below `folder`, in order of its path. Raises `SystemExit` where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not found:
        raise SystemExit(f"there is no picture below {folder}: give a folder of photographs")
    return found


def photographs_below(folder: Path) -> list[Base]:
    """Each photograph, its scene named by its path. Raises `SystemExit` for one that cannot be used."""
    bases: list[Base] = []
    for path in pictures_below(folder):
        if min(_size_of(path)) < SMALLEST_SIDE:
            raise SystemExit(f"{path} has a side shorter than {SMALLEST_SIDE} pixels: take it out of the folder")
        bases.append(Base(path, "photo", path.relative_to(folder).as_posix()))
    return bases


def bursts_below(folders: Iterable[Path]) -> list[Base]:
    """Each shot of each burst. Shots of one scene lie in one folder, named alike up to a number at the end."""
    return [
        Base(
            path, "burst", f"{folder.name}/{(path.parent / _without_number(path.stem)).relative_to(folder).as_posix()}"
        )
        for folder in folders
        for path in pictures_below(folder)
    ]


def windows_of(photographs: Sequence[Base], size: int, rng: Random, wanted: int) -> list[Base]:
    """At most `wanted` windows that do not overlap: one of each large photograph, then a second of each, and so on.

    A window is at least `size` pixels on its longer side and three quarters of that on the other; those with next to
    nothing in them are left out.
    """
    grids = [_grid(photograph, size, rng) for photograph in photographs]
    windows: list[Base] = []
    for turn in range(MOST_WINDOWS_ACROSS**2):
        for place, grid in enumerate(grids):
            if len(windows) == wanted:
                return windows
            if turn < len(grid):
                windows.append(Base(photographs[place].path, "window", photographs[place].scene, grid[turn]))
    return windows


def load(base: Base, size: int) -> Picture:
    """The picture upright, in RGB, transparency on white, its longer side scaled down to at most `size` pixels."""
    with Image.open(base.path) as opened:
        if base.box is None:
            opened.draft("RGB", (size, size))
        image = _on_white(ImageOps.exif_transpose(opened))
    if base.box is not None:
        image = image.crop(base.box)
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    return image


def _on_white(image: Picture) -> Picture:
    if not image.has_transparency_data:
        return image.convert("RGB")
    canvas = Image.new("RGBA", image.size, (255, 255, 255, 255))
    canvas.alpha_composite(image.convert("RGBA"))
    return canvas.convert("RGB")


def _size_of(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as opened:
            return opened.size
    except OSError as error:
        raise SystemExit(f"{path} cannot be read as a picture ({error}): take it out of the folder") from error


def _grid(photograph: Base, size: int, rng: Random) -> list[Box]:
    width, height = _size_of(photograph.path)
    across = min(MOST_WINDOWS_ACROSS, max(width, height) // size, min(width, height) // (size * 3 // 4))
    if across < 2:
        return []
    with Image.open(photograph.path) as opened:
        upright = _on_white(ImageOps.exif_transpose(opened))
    step_x, step_y = upright.width // across, upright.height // across
    boxes = [(x * step_x, y * step_y, (x + 1) * step_x, (y + 1) * step_y) for y in range(across) for x in range(across)]
    kept = [box for box in boxes if _detail(upright.crop(box)) >= LEAST_DETAIL]
    return [kept[int(number)] for number in rng.permutation(len(kept))]


def _detail(image: Picture) -> float:
    grey = np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX), dtype=np.float64)
    return float((np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()) / 2)


def _without_number(stem: str) -> str:
    return re.sub(r"[\W_]*\d+$", "", stem) or "shots"
