"""Pillow's pixel modes, brought to plain 8-bit RGB."""

from typing import Final

import numpy as np
from PIL import Image

_BACKGROUND: Final = (255, 255, 255, 255)
"""What shows through transparent pixels: white, as on a page."""

_REDUCIBLE: Final = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
"""Modes whose pixels can be averaged as they are (transparency is weighed in by Pillow)."""

_FULL_16_BIT_STEP: Final = 257
"""65535 / 255: one 8-bit level in 16-bit levels."""


def rgb_reduced(image: Image.Image, factor: int) -> Image.Image:
    """Return a loaded image as RGB with each `factor` x `factor` block averaged to one pixel.

    Deep greys are scaled, never clipped: 16-bit by its full range, 32-bit and floating point by the picture's own.
    Transparent pixels show white.
    """
    if factor > 1 and image.mode in _REDUCIBLE and "transparency" not in image.info:
        return to_rgb(image.reduce(factor))
    plain = to_rgb(image)
    return plain.reduce(factor) if factor > 1 else plain


def to_rgb(image: Image.Image) -> Image.Image:
    """Return a loaded image as RGB."""
    if is_deep_grey(image):
        return _eight_bit(image).convert("RGB")
    if image.has_transparency_data:
        transparent = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, _BACKGROUND), transparent).convert("RGB")
    return image.convert("RGB")


def is_deep_grey(image: Image.Image) -> bool:
    """Tell whether the image is a grey one of more than 8 bits."""
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def _eight_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.dtype.itemsize == 2:  # noqa: PLR2004 - 16 bits are 2 bytes
        return Image.fromarray(
            ((values.astype(np.uint32) + _FULL_16_BIT_STEP // 2) // _FULL_16_BIT_STEP).astype(np.uint8)
        )
    finite = values[np.isfinite(values)].astype(np.float64)
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    span = high - low or 1.0
    scaled = (np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low) - low) * (255 / span)
    return Image.fromarray(scaled.round().astype(np.uint8))
