"""Turns the bytes of an image file into a small upright picture, decoding no more of it than that needs."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeVar

import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray
from PIL import Image

from lookalike_engine.modes import rgb_reduced
from lookalike_engine.pillow import opened

_Scalar = TypeVar("_Scalar", bound=np.generic)

HASH_SIDE_MIN: Final = 128
"""Pictures are shrunk as they are decoded while both sides stay at or above this, or what a model needs if it is more."""

_ORIENTATION_TAG: Final = 0x0112
_FIRST_ON_ITS_SIDE: Final = 5
"""EXIF orientations from this one on swap width and height."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, upright."""

    width: int
    """Of the picture itself, upright, in pixels; not of `pixels`."""
    height: int
    pixels: NDArray[np.uint8]
    """Shape (rows, columns, 3), RGB; possibly smaller than the picture."""
    rows: float
    """How many rows of `pixels` the picture covers: of the last one perhaps only a part."""
    columns: float


def decode(data: bytes, image_format: str, max_pixels: int, small_side: int = HASH_SIDE_MIN) -> Picture:
    """Decode an image file, its first frame if it has several, over white where it is transparent.

    It is shrunk as it is decoded while both its sides stay at or above `small_side` pixels.

    Raises `SkippedError` with the reason when the file is truncated, damaged, too large or of an unsupported kind.
    """
    with opened(data, image_format, max_pixels) as image:
        if image_format == "JPEG":
            width, height = image.size
            pixels, scale = _jpeg(data, image, small_side)
        else:
            image.load()
            width, height = image.size  # a TIFF is turned upright as it loads, so its size is read after
            factor = max(1, min(width, height) // small_side)
            pixels, scale = np.asarray(rgb_reduced(image, factor)), Fraction(1, factor)
        orientation = orientation_of(image)
    rows, columns = float(height * scale), float(width * scale)
    if orientation >= _FIRST_ON_ITS_SIDE:
        width, height, rows, columns = height, width, columns, rows
    return Picture(width, height, upright(pixels, orientation), rows, columns)


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1-8, that a loaded image still needs; 1 where the tag is absent or nonsense."""
    value = image.getexif().get(_ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1  # noqa: PLR2004 - EXIF defines eight


def upright(pixels: NDArray[_Scalar], orientation: int) -> NDArray[_Scalar]:
    """Turn pixels (rows, columns, ...) the way their EXIF orientation (1-8) asks for."""
    if orientation >= _FIRST_ON_ITS_SIDE:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels


def _jpeg(data: bytes, image: Image.Image, small_side: int) -> tuple[NDArray[np.uint8], Fraction]:
    """Decode a JPEG at the smallest of its built-in scales that is large enough, and return that scale too."""
    width, height = image.size
    if image.mode in {"L", "RGB"}:
        try:
            pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
                data, "RGB", fastdct=True, fastupsample=True, min_height=small_side, min_width=small_side
            )
        except ValueError:
            pass  # libjpeg warned; Pillow tells harmless oddities from truncation, and says which it is
        else:
            return pixels, _jpeg_scale((height, width), pixels.shape)
    image.draft("RGB", (small_side, small_side))
    image.load()
    drafted = max(1, round(max(width / image.width, height / image.height)))
    factor = max(1, min(image.size) // small_side)
    return np.asarray(rgb_reduced(image, factor)), Fraction(1, drafted * factor)


def _jpeg_scale(full: tuple[int, int], shape: tuple[int, ...]) -> Fraction:
    """Return the scale, a number of eighths, at which a JPEG of size `full` decodes to `shape`."""
    for eighths in range(1, 9):
        if all(-(-side * eighths // 8) == small for side, small in zip(full, shape[:2], strict=True)):
            return Fraction(eighths, 8)
    raise ValueError(f"libjpeg decoded {full} to {shape[:2]}, which is none of its scales")
