"""Which pictures are the same picture: equal bytes, or equal upright pixels.

Full decoding is expensive, so it is done for pictures that something else says could be equal, and once per file:
what is compared is a digest of the upright pixels, never picture against picture.
"""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike_engine.decode import orientation_of, upright
from lookalike_engine.formats import is_deep_colour
from lookalike_engine.modes import is_deep_grey
from lookalike_engine.pillow import opened

DIGEST_BYTES: Final = 16

SAME_PIXELS_DISTANCE: Final = 12
"""How far the hashes of pixel-equal files can be apart: a JPEG is hashed from a quicker decoding than a PNG of it."""

_TIFF_BITS_PER_SAMPLE: Final = 0x0102

_FULL_SCALE: Final = 257
"""16-bit levels per 8-bit level, where a 16-bit picture holds no more than 8 bits."""


def content_hash(data: bytes) -> bytes:
    """Return the 16-byte BLAKE2b digest of a file's bytes."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def pixel_hash(data: bytes, image_format: str, max_pixels: int) -> bytes:
    """Return a 16-byte digest that two files share only if they show the same pixels in the same orientation.

    Grey, palette and RGB pictures of the same colours are equal, a fully opaque picture equals one without
    transparency, and the colour under fully transparent pixels does not count. Where decoding shows less than the
    file holds (further frames or pages, more than 8 bits per colour) the digest is that of the bytes: only a byte
    copy of such a file is surely the same. Raises `SkippedError`.
    """
    with opened(data, image_format, max_pixels) as image:
        image.load()
        if _holds_more_than_it_shows(image, data, image_format):
            return hashlib.blake2b(data, digest_size=DIGEST_BYTES, person=b"bytes").digest()
        kind, pixels = _canonical(image)
        pixels = np.ascontiguousarray(upright(pixels, orientation_of(image)))
    digest = hashlib.blake2b(f"{kind} {pixels.dtype} {pixels.shape}".encode(), digest_size=DIGEST_BYTES)
    digest.update(pixels.data)
    return digest.digest()


def _holds_more_than_it_shows(image: Image.Image, data: bytes, image_format: str) -> bool:
    if getattr(image, "n_frames", 1) > 1 or is_deep_colour(data, image_format):
        return True
    depths: tuple[int, ...] = getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE, ())
    return any(depth > np.iinfo(np.uint8).bits for depth in depths) and not is_deep_grey(image)


def _canonical(image: Image.Image) -> tuple[str, NDArray[np.generic]]:
    """Return the pixels in a form that does not depend on how the file stored the same colours, and its name."""
    if is_deep_grey(image):
        values = np.asarray(image)
        if values.dtype == np.uint16 and not (values % _FULL_SCALE).any():
            return "RGB", np.repeat((values // _FULL_SCALE).astype(np.uint8)[..., None], 3, axis=2)
        return image.mode, values
    if image.has_transparency_data:
        colours = np.array(image.convert("RGBA"))
        if (colours[..., 3] == np.iinfo(np.uint8).max).all():
            return "RGB", colours[..., :3]
        colours[colours[..., 3] == 0] = 0
        return "RGBA", colours
    if image.mode in {"CMYK", "LAB", "HSV"}:  # converting would make different colours equal
        return image.mode, np.asarray(image)
    return "RGB", np.asarray(image.convert("RGB"))


def groups_of(keys: Iterable[Hashable], members: Iterable[int]) -> list[list[int]]:
    """Return the members that share a key, as lists of two or more."""
    found: defaultdict[Hashable, list[int]] = defaultdict(list)
    for key, member in zip(keys, members, strict=True):
        found[key].append(member)
    return [group for group in found.values() if len(group) > 1]


def representatives(keys: Sequence[bytes], hashes: Sequence[bytes]) -> NDArray[np.int32]:
    """Return, for each image, the one that stands for all images with its key: that of the smallest byte hash.

    Byte copies are alike in all but their path; of them the first stands for the rest.
    """
    chosen: dict[bytes, int] = {}
    for image, key in enumerate(keys):
        best = chosen.setdefault(key, image)
        if hashes[image] < hashes[best]:
            chosen[key] = image
    return np.array([chosen[key] for key in keys], dtype=np.int32)
