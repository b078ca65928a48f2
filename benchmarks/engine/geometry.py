"""Edits that move pixels: cut, scaled, turned, mirrored, slanted, framed."""

import math

import numpy as np
from PIL import Image

Picture = Image.Image
Random = np.random.Generator

_BLACK = (0, 0, 0)


def cropped(image: Picture, rng: Random, kept: float) -> Picture:
    """A window of the picture's shape with `kept` of its area (0 to 1), anywhere in it."""
    side = math.sqrt(kept)
    width, height = max(1, round(image.width * side)), max(1, round(image.height * side))
    left = int(rng.integers(image.width - width + 1))
    top = int(rng.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def scaled(image: Picture, across: float, down: float | None = None) -> Picture:
    """The whole picture, `across` times as wide and `down` times as high (as `across`, where not given)."""
    width = max(1, round(image.width * across))
    height = max(1, round(image.height * (across if down is None else down)))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def mirrored(image: Picture) -> Picture:
    """Left and right exchanged."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def upside_down(image: Picture) -> Picture:
    """Top and bottom exchanged."""
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def quarter_turn(image: Picture, rng: Random) -> Picture:
    """A quarter to the left or to the right; nothing is lost."""
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
    return image.transpose(turns[int(rng.integers(2))])


def tilted(image: Picture, rng: Random, degrees: float) -> Picture:
    """Turned to either side in its frame; the corners that come free are black."""
    angle = degrees if rng.random() < 0.5 else -degrees
    return image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=_BLACK)


def stretched(image: Picture, rng: Random) -> Picture:
    """A quarter wider or flatter than it was."""
    return scaled(image, 1.25, 1.0) if rng.random() < 0.5 else scaled(image, 1.0, 0.8)


def slanted(image: Picture, rng: Random) -> Picture:
    """Seen from the side: each corner of the frame is taken from up to 14 % further inside."""
    width, height = image.size
    shift = rng.uniform(0.02, 0.14, (4, 2)) * (width, height)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=float)
    return image.transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        _projection(corners, corners + shift * inwards),
        Image.Resampling.BICUBIC,
    )


def framed(image: Picture, rng: Random, share: float) -> Picture:
    """On a plain background that shows on every side, `share` of the longer side wide."""
    margin = max(1, round(max(image.size) * share))
    grey = int(rng.integers(256))
    plain = ((0, 0, 0), (255, 255, 255), (grey, grey, grey), tuple(rng.integers(0, 256, 3).tolist()))
    canvas = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin), plain[int(rng.integers(4))])
    canvas.paste(image, (margin, margin))
    return canvas


def on_backdrop(image: Picture, rng: Random, backdrop: Picture) -> Picture:
    """Pasted onto another photograph, 40 to 60 % of its shorter side long."""
    canvas = backdrop.copy()
    across = rng.uniform(0.4, 0.6) * min(canvas.size) / max(image.size)
    small = scaled(image, across)
    place = (int(rng.integers(canvas.width - small.width + 1)), int(rng.integers(canvas.height - small.height + 1)))
    canvas.paste(small, place)
    return canvas


def _projection(frame: np.ndarray, seen: np.ndarray) -> tuple[float, ...]:
    """The eight numbers by which Pillow takes the corners of `frame` (4, 2) from `seen` (4, 2)."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(frame, seen, strict=True):
        rows.extend([[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]])
    solved = np.linalg.solve(np.array(rows), seen.reshape(8))
    assert all(math.isfinite(number) for number in solved)
    return tuple(float(number) for number in solved)
