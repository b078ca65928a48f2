"""Small WebP pictures of indexed images, made when they are asked for."""

import io
import os
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, WebPImagePlugin

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.decode import orientation_of, upright
from lookalike_engine.errors import SkippedError, SkipReason
from lookalike_engine.modes import rgb_reduced
from lookalike_engine.pillow import opened, prepare
from lookalike_engine.reading import read_image

if TYPE_CHECKING:
    from lookalike_engine.snapshot import ImageRow

SIDE: Final = 256
"""Pixels of the longer side, at most."""

_QUALITY: Final = 80


def thumbnail(row: "ImageRow", settings: EngineSettings) -> bytes:
    """Return a WebP of an image that is in the index.

    The file must still be the one that was indexed, at a path without symbolic links, and within the same ceilings.
    Raises SkippedError with the reason otherwise.
    """
    if os.path.realpath(row.absolute_path) != row.absolute_path:
        raise SkippedError(SkipReason.CHANGED)
    data, image_format = read_image(row.file, settings.max_file_bytes)
    prepare(settings.max_pixels)
    with opened(data, image_format, settings.max_pixels) as image:
        if image_format == "JPEG":
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
        image.load()
        small = np.asarray(rgb_reduced(image, max(1, max(image.size) // (2 * SIDE))))
        orientation = orientation_of(image)
    return _webp(np.ascontiguousarray(upright(small, orientation)))


def _webp(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, WebPImagePlugin.WebPImageFile.format, quality=_QUALITY)
    return buffer.getvalue()
