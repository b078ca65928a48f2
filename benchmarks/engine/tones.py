"""Edits that change values and leave every pixel where it is."""

import io

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from benchmarks.engine.geometry import Picture, Random


def either(rng: Random, less: tuple[float, float], more: tuple[float, float]) -> float:
    """A factor from one of two ranges, as likely below 1 as above."""
    return float(rng.uniform(*(less if rng.random() < 0.5 else more)))


def brighter(image: Picture, factor: float) -> Picture:
    """Every value times `factor`."""
    return ImageEnhance.Brightness(image).enhance(factor)


def contrasted(image: Picture, factor: float) -> Picture:
    """Every value's distance from the mean times `factor`."""
    return ImageEnhance.Contrast(image).enhance(factor)


def saturated(image: Picture, factor: float) -> Picture:
    """Colours further from grey (above 1) or nearer to it."""
    return ImageEnhance.Color(image).enhance(factor)


def grey(image: Picture) -> Picture:
    """Without colour, still stored as RGB."""
    return image.convert("L").convert("RGB")


def blurred(image: Picture, radius: float) -> Picture:
    """Gaussian blur; `radius` in pixels of a picture whose longer side has at most 512."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def sharpened(image: Picture) -> Picture:
    """As a phone does it, and then some."""
    return image.filter(ImageFilter.UnsharpMask(radius=2, percent=150, threshold=2))


def solarised(image: Picture, threshold: int) -> Picture:
    """Values from `threshold` (0 to 255) on are inverted."""
    return ImageOps.solarize(image, threshold)


def rewritten(image: Picture, file_format: str, quality: int) -> Picture:
    """As it comes back from a lossy file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, quality=quality)
    return Image.open(buffer).convert("RGB")
