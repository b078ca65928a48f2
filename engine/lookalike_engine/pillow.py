"""Pillow as the engine uses it: one plugin per file, no external decoders, every failure one plain reason."""

import importlib
import io
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from PIL import Image, UnidentifiedImageError

from lookalike_engine.errors import SkippedError, SkipReason
from lookalike_engine.formats import is_cut_short, png_without_notes

_SUBFILE_TYPE_TAG: Final = 0x00FE
_DNG_VERSION_TAG: Final = 0xC612
_PLUGINS: Final = {
    "WEBP": "PIL.WebPImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
}
_TRUNCATION_WORDS: Final = ("truncated", "premature", "unexpected end", "end of file", "not enough")


def prepare(max_pixels: int) -> None:
    """Set Pillow's process-wide switches: its bomb guard no lower than our ceiling, and its warnings out of the log.

    Called before every batch: it is cheap, and whoever shares the process may have changed the warning filters.
    """
    if Image.MAX_IMAGE_PIXELS is not None:  # only ever raised: others in the process may have a higher ceiling
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@contextmanager
def opened(data: bytes, image_format: str, max_pixels: int) -> Generator[Image.Image]:
    """Open an image file's bytes by the plugin of its own format; pixels are not decoded yet.

    Raises `SkippedError`, also for whatever a decoder raises inside the `with` block: decoders are known to raise
    anything at all on damaged files.
    """
    if is_cut_short(data, image_format):
        raise SkippedError(SkipReason.TRUNCATED)
    if image_format == "PNG":
        data = png_without_notes(data)
    try:
        _load_plugin(image_format)
        with Image.open(io.BytesIO(data), formats=[image_format]) as image:
            _refuse(image, image_format, max_pixels)
            yield image
    except SkippedError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise SkippedError(SkipReason.TOO_LARGE) from None
    except Exception as error:  # a decoder may raise anything; each is a reason, never a crash
        raise SkippedError(_reason(error, image_format)) from error


def _load_plugin(image_format: str) -> None:
    """Register one format; importing all of Pillow's plugins would also register those that start programs."""
    if image_format == "HEIF":
        importlib.import_module("pillow_heif").register_heif_opener()
    elif image_format in _PLUGINS:
        importlib.import_module(_PLUGINS[image_format])
    else:
        Image.preinit()


def _refuse(image: Image.Image, image_format: str, max_pixels: int) -> None:
    """Refuse bombs, and camera raw files in TIFF's clothes: those would show a small preview, not the picture."""
    if image.width * image.height > max_pixels:
        raise SkippedError(SkipReason.TOO_LARGE)
    if image_format != "TIFF":
        return
    tags = getattr(image, "tag_v2", {})
    if _DNG_VERSION_TAG in tags or int(tags.get(_SUBFILE_TYPE_TAG, 0)) & 1:
        raise SkippedError(SkipReason.UNSUPPORTED)


def _reason(error: Exception, image_format: str) -> SkipReason:
    message = str(error).lower()
    if isinstance(error, EOFError) or any(word in message for word in _TRUNCATION_WORDS):
        return SkipReason.TRUNCATED
    if isinstance(error, NotImplementedError) or "unsupported" in message or "not supported" in message:
        return SkipReason.UNSUPPORTED
    if isinstance(error, UnidentifiedImageError) and image_format == "TIFF":  # mostly pixel layouts Pillow lacks
        return SkipReason.UNSUPPORTED
    return SkipReason.DAMAGED
