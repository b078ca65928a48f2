"""Edits that draw something over the picture, or the picture into something: captions, faces, screenshots.

Nothing here needs a font of the system: Pillow brings its own, and the faces are circles.
"""

from PIL import Image, ImageDraw, ImageFont

from benchmarks.engine.geometry import Picture, Random, scaled

_WORDS = (
    "when",
    "you",
    "see",
    "the",
    "light",
    "and",
    "nobody",
    "told",
    "me",
    "it",
    "would",
    "be",
    "so",
    "good",
    "ever",
)
_SMOOTH = 4
"""A face is drawn this many times larger and scaled down, for edges without steps."""
_YELLOW, _DARK, _WHITE = (255, 205, 50, 255), (70, 40, 10, 255), (255, 255, 255, 255)


def captioned(image: Picture, rng: Random) -> Picture:
    """One line, about a fourteenth of the height, at the top or at the bottom."""
    canvas = image.copy()
    size = max(9, canvas.height // 14)
    top = canvas.height // 40 if rng.random() < 0.5 else canvas.height - round(size * 1.5)
    _write(canvas, rng, size, top)
    return canvas


def with_big_text(image: Picture, rng: Random) -> Picture:
    """Two lines, each about an eighth of the height: one near the top, one near the bottom."""
    canvas = image.copy()
    size = max(12, canvas.height // 8)
    for top in (canvas.height // 30, canvas.height - round(size * 1.4)):
        _write(canvas, rng, size, top)
    return canvas


def with_faces(image: Picture, rng: Random, share: tuple[float, float], count: int) -> Picture:
    """`count` drawn faces, each from `share` of the shorter side, anywhere in the picture."""
    canvas = image.copy()
    for _ in range(count):
        side = max(8, round(min(canvas.size) * rng.uniform(*share)))
        face = _face(side, smiling=bool(rng.random() < 0.7))
        place = (int(rng.integers(canvas.width - side + 1)), int(rng.integers(canvas.height - side + 1)))
        canvas.paste(face, place, face)
    return canvas


def screenshot(image: Picture, rng: Random) -> Picture:
    """Shown on a phone in a page with a bar above and a name and lines of text below, about as wide as the page."""
    light = bool(rng.random() < 0.6)
    paper, bar, ink = ((255, 255, 255), (235, 236, 240), (40, 40, 44))
    if not light:
        paper, bar, ink = ((18, 18, 20), (36, 37, 42), (225, 225, 230))
    width = 300
    picture = scaled(image, rng.uniform(0.9, 1.0) * width / image.width)
    if picture.height > 370:
        picture = scaled(picture, 370 / picture.height)
    canvas = Image.new("RGB", (width, 480), paper)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, width, 44), fill=bar)
    draw.ellipse((10, 54, 34, 78), fill=tuple(rng.integers(40, 220, 3).tolist()))
    for left, text, size, top in ((12, "12:41", 12, 6), (12, "Photos", 15, 22), (42, _some_words(rng, 2), 13, 58)):
        draw.text((left, top), text, fill=ink, font=ImageFont.load_default(size))
    canvas.paste(picture, ((width - picture.width) // 2, 86))
    for top in range(86 + picture.height + 10, 470, 18):
        draw.text((12, top), _some_words(rng, 6), fill=ink, font=ImageFont.load_default(12))
    return canvas


def _write(canvas: Picture, rng: Random, size: int, top: int) -> None:
    font = ImageFont.load_default(size)
    text = _some_words(rng, 1)
    while font.getlength(text) < canvas.width * 0.8:
        text += " " + _some_words(rng, 1)
    fill, edge = ((255, 255, 255), (0, 0, 0)) if rng.random() < 0.7 else ((250, 220, 40), (20, 20, 60))
    left = round((canvas.width - font.getlength(text)) / 2)
    ImageDraw.Draw(canvas).text((left, top), text, fill, font, stroke_width=max(1, size // 14), stroke_fill=edge)


def _some_words(rng: Random, count: int) -> str:
    return " ".join(_WORDS[int(number)] for number in rng.integers(len(_WORDS), size=count))


def _face(side: int, *, smiling: bool) -> Picture:
    full = side * _SMOOTH
    face = Image.new("RGBA", (full, full))
    draw = ImageDraw.Draw(face)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return left * full, top * full, right * full, bottom * full

    draw.ellipse(box(0, 0, 0.999, 0.999), _YELLOW, _DARK, max(1, full // 40))
    for left in (0.26, 0.60):
        draw.ellipse(box(left, 0.28, left + 0.14, 0.48), _DARK)
        draw.ellipse(box(left + 0.07, 0.31, left + 0.12, 0.37), _WHITE)
    if smiling:
        draw.chord(box(0.22, 0.35, 0.78, 0.84), 10, 170, _WHITE, _DARK, max(1, full // 30))
    else:
        draw.ellipse(box(0.40, 0.60, 0.60, 0.84), _DARK)
    return face.resize((side, side), Image.Resampling.LANCZOS)
