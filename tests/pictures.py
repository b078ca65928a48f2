"""Rendered scenes, and small sets of them whose copies are known: the ground truth of the tests."""

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Truth:
    """What `save_set` wrote. Paths are relative to the folder and `/`-separated."""

    clusters: tuple[frozenset[str], ...]
    """The copies of one scene, two or more: one duplicate cluster at 0.95 each."""
    exact: tuple[frozenset[str], ...]
    """The parts of those clusters, two or more images each, whose upright pixels are equal."""
    singles: frozenset[str]
    """Images without any copy."""
    skipped: frozenset[str]
    """Files that are no images."""

    @property
    def images(self) -> frozenset[str]:
        """Every image of the set."""
        return self.singles.union(*self.clusters)


def scene(seed: int, size: Size = (640, 480)) -> Image.Image:
    """Draw one RGB scene: a gradient, waves, overlapping shapes and grain. Each seed looks like no other.

    The layout scales with the size, so a scene drawn at two sizes is one picture at two resolutions.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    backdrop = np.zeros((height, width, 3))
    for channel in range(3):
        slope = rng.uniform(-90, 90, 2)
        backdrop[..., channel] = 128 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    for _ in range(6):
        along_x, along_y, phase = rng.uniform(-9, 9), rng.uniform(-9, 9), rng.uniform(0, 2 * np.pi)
        wave = np.sin(2 * np.pi * (along_x * x + along_y * y) + phase)
        backdrop += wave[..., None] * rng.uniform(6, 22, 3)
    image = Image.fromarray(np.clip(backdrop, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(24):
        _draw_shape(draw, rng, size)
    grain = rng.normal(0, 4, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def _draw_shape(draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: Size) -> None:
    width, height = size
    colour = (int(rng.integers(256)), int(rng.integers(256)), int(rng.integers(256)))
    centre = rng.uniform(0, 1, 2)
    reach = rng.uniform(0.03, 0.22, 2)
    kind = rng.integers(3)
    if kind == 0:
        angles = np.sort(rng.uniform(0, 2 * np.pi, 5))
        corners = centre + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        draw.polygon([(float(u * width), float(v * height)) for u, v in corners], fill=colour)
        return
    left, top = centre - reach
    right, bottom = centre + reach
    box = (float(left * width), float(top * height), float(right * width), float(bottom * height))
    if kind == 1:
        draw.ellipse(box, fill=colour)
    else:
        draw.rectangle(box, outline=colour, width=max(2, width // 60))


def jpeg_bytes(
    image: Image.Image, quality: int = 90, *, exif_orientation: int | None = None, comment: str = ""
) -> bytes:
    """Encode as a JPEG; the orientation tag and the comment change the file and not its stored pixels."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    if exif_orientation is not None:
        exif[0x0112] = exif_orientation
    image.save(buffer, "JPEG", quality=quality, exif=exif, comment=comment)
    return buffer.getvalue()


def turned_for_exif(image: Image.Image, orientation: int) -> Image.Image:
    """Store the pixels so that a viewer who honours EXIF `orientation` (1-8) shows `image` upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return image if orientation == 1 else image.transpose(undo[orientation])


def save_set(folder: Path) -> Truth:
    """Write a small mixed set below `folder` (made if missing) and return what is true of it."""
    holiday, web, archive = folder / "holiday", folder / "web", folder / "archive" / "2019"
    for place in (holiday, web, archive):
        place.mkdir(parents=True, exist_ok=True)

    beach = jpeg_bytes(scene(1))
    (holiday / "beach.jpg").write_bytes(beach)
    shutil.copyfile(holiday / "beach.jpg", archive / "beach copy.jpg")
    (holiday / "beach captioned.jpg").write_bytes(jpeg_bytes(scene(1), comment="at the sea"))
    Image.open(io.BytesIO(beach)).save(folder / "beach.png")
    scene(1).save(web / "beach.webp", quality=70)

    scene(2).save(holiday / "dunes.png")
    (web / "dunes.jpg").write_bytes(jpeg_bytes(scene(2), quality=60))
    (web / "dunes half.jpg").write_bytes(jpeg_bytes(scene(2).resize((320, 240))))
    (web / "dunes bright.jpg").write_bytes(jpeg_bytes(ImageEnhance.Brightness(scene(2)).enhance(1.1)))

    (holiday / "harbour.jpg").write_bytes(jpeg_bytes(scene(3)))
    (web / "harbour mirrored.jpg").write_bytes(jpeg_bytes(scene(3).transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    (archive / "harbour rotated.jpg").write_bytes(jpeg_bytes(scene(3).transpose(Image.Transpose.ROTATE_90)))

    (folder / "logo.png").write_bytes(_png_bytes(scene(4, (200, 160))))
    (web / "logo.png").write_bytes(_png_bytes(scene(4, (200, 160))))

    singles: set[str] = set()
    for seed in range(10, 18):
        name = f"holiday/single {seed}.jpg"
        (folder / name).write_bytes(jpeg_bytes(scene(seed, (480, 640) if seed % 2 else (640, 480))))
        singles.add(name)
    (folder / "notes.txt").write_text("Beach, dunes, harbour.\n", encoding="utf-8")

    exact_beach = {
        "holiday/beach.jpg",
        "archive/2019/beach copy.jpg",
        "holiday/beach captioned.jpg",
        "beach.png",
    }
    logos = frozenset({"logo.png", "web/logo.png"})
    return Truth(
        clusters=(
            frozenset(exact_beach | {"web/beach.webp"}),
            frozenset({"holiday/dunes.png", "web/dunes.jpg", "web/dunes half.jpg", "web/dunes bright.jpg"}),
            frozenset({"holiday/harbour.jpg", "web/harbour mirrored.jpg", "archive/2019/harbour rotated.jpg"}),
            logos,
        ),
        exact=(frozenset(exact_beach), logos),
        singles=frozenset(singles),
        skipped=frozenset({"notes.txt"}),
    )


def save_many(folder: Path, count: int) -> None:
    """Write `count` small scenes, each another, below `folder` (made if missing): enough work for a process."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        (folder / f"{seed:04}.jpg").write_bytes(jpeg_bytes(scene(seed, (96, 72))))


def tree_digest(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below `folder`, as {relative path: (mode, size, mtime in ns, content)}."""
    seen: dict[str, tuple[int, int, int, bytes]] = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent) / name
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            seen[str(path.relative_to(folder))] = (
                status.st_mode,
                status.st_size,
                status.st_mtime_ns,
                content,
            )
    return seen


def _png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
