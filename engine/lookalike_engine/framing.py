"""Finds a plain frame around a picture and takes it off, so that a copy with a border is compared by what it shows.

A frame is taken off only where it is unmistakable: whole rows or columns of one colour, that end all at once. A sky, a
white page or a dark night fades or is broken into by what stands before it; those stay as they are, since a few rows
more or less in one of two copies would make them less alike, not more.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.decode import Picture

_PLAIN: Final = 6.0
"""Grey levels; within a frame the mean difference from its colour stays below this, coding noise included."""
_BROKEN: Final = 24
"""Grey levels that a pixel differs from the frame's colour where the frame has ended."""
_ENDS: Final = 0.5
"""The share of the pixels in the first two lines past a frame that must differ so."""
_LEAST_LEFT: Final = 0.3
"""The share of the height and of the width that must be left."""


def within_frame(picture: Picture) -> Picture:
    """Return the part of a picture that lies within a plain frame; the picture itself where it has none.

    Its `width` and `height` stay those of the file.
    """
    pixels = picture.pixels
    top, bottom = _frame(pixels), _frame(pixels[::-1])
    turned = pixels.swapaxes(0, 1)[:, top : len(pixels) - bottom]
    left, right = _frame(turned), _frame(turned[::-1])
    rows, columns = len(pixels) - top - bottom, len(turned) - left - right
    if not (top or bottom or left or right):
        return picture
    if rows < _LEAST_LEFT * len(pixels) or columns < _LEAST_LEFT * len(turned):
        return picture
    return replace(
        picture,
        pixels=pixels[top : top + rows, left : left + columns],
        rows=float(rows) if bottom else picture.rows - top,
        columns=float(columns) if right else picture.columns - left,
    )


def _frame(pixels: NDArray[np.uint8]) -> int:
    """Return how many rows at the top belong to a plain frame."""
    if not pixels.size:
        return 0
    colour = np.median(pixels[0], axis=0).astype(np.int16)
    end = 0
    while end < len(pixels):  # row by row: most pictures have no frame, and their first row says so
        if _away(pixels[end], colour).mean() >= _PLAIN:
            break
        end += 1
    if end in {0, len(pixels)}:
        return 0
    # Where a frame's edge falls within a row of the shrunken picture, that row is a mixture: the next one counts too.
    beyond = _away(pixels[end : end + 2], colour).max(axis=0)
    return end if (beyond > _BROKEN).mean() >= _ENDS else 0


def _away(pixels: NDArray[np.uint8], colour: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return how far each pixel is from a colour, in the channel in which it is farthest."""
    away: NDArray[np.int16] = np.abs(pixels.astype(np.int16) - colour).max(axis=-1)
    return away
