"""A small set of pictures with known copies, made from the photographs that scikit-image ships."""

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

SINGLES = (
    "brick.png",
    "grass.png",
    "gravel.png",
    "moon.png",
    "coins.png",
    "retina.jpg",
    "ihc.png",
    "camera.png",
)
"""Photographs that occur once."""


@dataclass(frozen=True, slots=True)
class DemoSet:
    """What was written: how many pictures, and which of them are copies of one another."""

    folder: Path
    images: int
    clusters: tuple[frozenset[str], ...]
    """Paths relative to the folder, one set for each picture that occurs more than once."""
    one_scene: frozenset[str]
    """Two shots of one scene from two places: no copies of each other, and yet told from copies with difficulty."""


def make_pictures(folder: Path) -> DemoSet:
    """Write the set into ``folder``: exact copies, edited copies, two photographs that are just alike, and singles."""
    originals, phone, web = folder / "originals", folder / "phone", folder / "web"
    for part in (originals, phone, web):
        part.mkdir(parents=True)

    coffee = _photograph("coffee.png")
    coffee.save(originals / "coffee.jpg", quality=95)
    shutil.copyfile(originals / "coffee.jpg", phone / "IMG_0412.jpg")
    shutil.copyfile(originals / "coffee.jpg", phone / "IMG_0412 (1).jpg")

    cat = _photograph("chelsea.png")
    cat.save(originals / "cat.png")
    cat.save(web / "cat-small.webp", quality=70)
    ImageOps.mirror(cat).save(phone / "cat-selfie.jpg", quality=90)

    astronaut = _photograph("astronaut.png")
    astronaut.save(originals / "astronaut.png")
    astronaut.resize((320, 320), Image.Resampling.LANCZOS).save(web / "astronaut-320.jpg", quality=60)
    ImageEnhance.Brightness(astronaut).enhance(1.15).save(phone / "astronaut-bright.jpg", quality=85)

    rocket = _photograph("rocket.jpg")
    rocket.save(originals / "rocket.jpg", quality=92)
    rocket.transpose(Image.Transpose.ROTATE_90).save(phone / "rocket-turned.jpg", quality=90)

    galaxy = _photograph("hubble_deep_field.jpg")
    galaxy.save(originals / "galaxies.jpg", quality=90)
    galaxy.save(web / "galaxies.jpg", quality=25)

    # Two photographs of one motorcycle from a hand's breadth apart.
    _photograph("motorcycle_left.png").save(originals / "motorcycle-left.jpg", quality=92)
    _photograph("motorcycle_right.png").save(originals / "motorcycle-right.jpg", quality=92)

    for name in SINGLES:
        _photograph(name).save(originals / f"{Path(name).stem}.jpg", quality=92)
    (folder / "notes.txt").write_text("Not a picture: it is skipped, and the answer says so.\n", encoding="utf-8")

    clusters = (
        frozenset({"originals/coffee.jpg", "phone/IMG_0412.jpg", "phone/IMG_0412 (1).jpg"}),
        frozenset({"originals/cat.png", "web/cat-small.webp", "phone/cat-selfie.jpg"}),
        frozenset({"originals/astronaut.png", "web/astronaut-320.jpg", "phone/astronaut-bright.jpg"}),
        frozenset({"originals/rocket.jpg", "phone/rocket-turned.jpg"}),
        frozenset({"originals/galaxies.jpg", "web/galaxies.jpg"}),
    )
    one_scene = frozenset({"originals/motorcycle-left.jpg", "originals/motorcycle-right.jpg"})
    images = sum(len(cluster) for cluster in clusters) + len(SINGLES) + len(one_scene)
    return DemoSet(folder, images, clusters, one_scene)


def _photograph(name: str) -> Image.Image:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-image is missing: run `make demo`, which installs the development dependencies")
    with Image.open(Path(spec.origin).parent / "data" / name) as picture:
        return picture.convert("RGB")
