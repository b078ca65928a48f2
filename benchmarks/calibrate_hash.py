"""Fits the hash's anchors of the similarity scale to a folder of distinct photographs.

    python -m benchmarks.calibrate_hash FOLDER

Two different photographs are as close as d bits or closer at a certain rate; each anchor is the largest d whose rate
does not exceed the anchor's. Real copies in the folder count as false matches, so take them out first: the closest
pairs are listed. The median of easy edits (recompressed, resized, a little brighter or darker) is the anchor of 0.99.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.decode import decode
from lookalike_engine.errors import SkippedError
from lookalike_engine.hashing import DETAIL_FLOOR, grid_of, hash_grids
from lookalike_engine.pairs import find_pairs
from lookalike_engine.pillow import opened, prepare
from lookalike_engine.reading import read_image
from lookalike_engine.scan import FoundFile, scan
from lookalike_engine.similarity import FALSE_MATCH_RATE, HASH_BITS, distance_at

MOST_IMAGES: Final = 6_000
MOST_EDITED: Final = 200
ENOUGH_PAIRS: Final = 10
CLOSEST_SHOWN: Final = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables for the folder on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args(arguments).folder.resolve()
    settings = EngineSettings(cache_dir=folder)
    files = scan([folder], lambda: None, lambda _found: None).files
    if len(files) > MOST_IMAGES:
        print(f"a sample: the first {MOST_IMAGES:,} of {len(files):,} files by path")
        files = files[:MOST_IMAGES]
    prepare(settings.max_pixels)
    names, grids = _grids(files, settings)
    hashes, detail = hash_grids(grids)
    detailed = np.flatnonzero(detail >= DETAIL_FLOOR)
    print(f"{len(files):,} files, {len(names):,} images, {len(detailed):,} with enough detail to hash")
    _print_anchors([names[number] for number in detailed], hashes[detailed])
    _print_edits(files, settings)


def _grids(files: list[FoundFile], settings: EngineSettings) -> tuple[list[str], NDArray[np.float32]]:
    names: list[str] = []
    grids: list[NDArray[np.float32]] = []
    for file in files:
        try:
            data, image_format = read_image(file, settings.max_file_bytes)
            grids.append(grid_of(decode(data, image_format, settings.max_pixels)))
        except SkippedError as skipped:
            print(f"skipped {file.path!a}: {skipped.reason}")
        else:
            names.append(file.path)
    if not grids:
        raise SystemExit("there is no image in this folder")
    return names, np.stack(grids)


def _print_anchors(names: list[str], hashes: NDArray[np.uint8]) -> None:
    pairs = find_pairs(hashes, 0.0)
    total = len(names) * (len(names) - 1) // 2
    within = np.cumsum(np.bincount(pairs.distance, minlength=HASH_BITS + 1))
    print(f"\n{total:,} pairs; the closest:")
    for place in np.argsort(pairs.distance, kind="stable")[:CLOSEST_SHOWN]:
        print(f"  {pairs.distance[place]:3} bits  {names[pairs.first[place]]!a}  {names[pairs.second[place]]!a}")
    print("\nsimilarity  false-match rate  bits in use  bits here  pairs here")
    for similarity, rate in FALSE_MATCH_RATE.items():
        in_use = distance_at(similarity)
        if total * rate < ENOUGH_PAIRS:
            needed = int(np.ceil((1 + np.sqrt(1 + 8 * ENOUGH_PAIRS / rate)) / 2))
            here = f"too few images: {needed:,} would do"
        else:
            bits = int(np.count_nonzero(within <= total * rate)) - 1
            here = f"{bits:9}  {within[bits] if bits >= 0 else 0:10,}"
        print(f"{similarity:10.2f}  {rate:16.1e}  {in_use:11}  {here}")


def _print_edits(files: list[FoundFile], settings: EngineSettings) -> None:
    distances: dict[str, list[int]] = {name: [] for name in EDITS}
    for file in files[:MOST_EDITED]:
        try:
            data, image_format = read_image(file, settings.max_file_bytes)
            original = _hash(data, image_format, settings)
            with opened(data, image_format, settings.max_pixels) as image:
                upright = ImageOps.exif_transpose(image).convert("RGB")
            for name, edit in EDITS.items():
                edited = _hash(*edit(upright), settings)
                distances[name].append(int(np.bitwise_count(original ^ edited).sum()))
        except SkippedError:
            continue
    every = [distance for found in distances.values() for distance in found]
    print(f"\neasy edits of {len(every) // len(EDITS):,} of them      median bits  95th percentile")
    for name, found in [*distances.items(), ("all (anchor of 0.99)", every)]:
        print(f"  {name:30}  {np.median(found):10.0f}  {np.percentile(found, 95):15.0f}")
    print(f"  in use for 0.99                 {distance_at(0.99):10}")


def _hash(data: bytes, image_format: str, settings: EngineSettings) -> NDArray[np.uint8]:
    hashes, _ = hash_grids(grid_of(decode(data, image_format, settings.max_pixels))[None])
    upright: NDArray[np.uint8] = hashes[0, 0]
    return upright


def _encoded(image: Image.Image, image_format: str, quality: int) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    image.save(buffer, image_format, quality=quality)
    return buffer.getvalue(), image_format


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))


EDITS: Final[dict[str, Callable[[Image.Image], tuple[bytes, str]]]] = {
    "JPEG quality 75": lambda image: _encoded(image, "JPEG", 75),
    "JPEG quality 30": lambda image: _encoded(image, "JPEG", 30),
    "WebP quality 60": lambda image: _encoded(image, "WEBP", 60),
    "half the size": lambda image: _encoded(_scaled(image, 0.5), "JPEG", 90),
    "three quarters of the size": lambda image: _encoded(_scaled(image, 0.75), "JPEG", 90),
    "15 % brighter": lambda image: _encoded(ImageEnhance.Brightness(image).enhance(1.15), "JPEG", 90),
    "15 % darker": lambda image: _encoded(ImageEnhance.Brightness(image).enhance(0.85), "JPEG", 90),
}

if __name__ == "__main__":
    main()
