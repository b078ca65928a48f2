"""Milliseconds to check one new picture against an index, beside imagehash on the same picture and as many hashes.

The new pictures are JPEGs of 1024 × 768. Ours is find_duplicates with `image`, the whole tool over an index that is
open: reading and decoding the file, comparing it in eight orientations, the clusters, the answer. imagehash reads and
hashes the file, and takes the distance to the pHash of every picture of the dataset, upright alone.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import imagehash
import numpy as np
from PIL import Image

from benchmarks.indexing import make_photographs
from benchmarks.report import heading, table
from lookalike_engine import Engine, EngineSettings, FolderDataset
from lookalike_tools import DuplicatesQuery, ExploreClient, find_duplicates

SMALL = (128, 96)


async def _silent(done: float, total: float | None, message: str) -> None:
    del done, total, message


def make_dataset(folder: Path, count: int) -> list[imagehash.ImageHash]:
    """``count`` small pictures of smooth noise, no two alike, and the pHash of each."""
    rng = np.random.default_rng(7)
    folder.mkdir()
    hashes: list[imagehash.ImageHash] = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        picture = coarse.resize(SMALL, Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:06}.jpg", quality=85)
        hashes.append(imagehash.phash(picture))
    return hashes


async def measure(
    folder: Path, new: Sequence[Path], cache: Path, peer: Callable[[Path], object], signals: str
) -> tuple[float, list[float], list[float]]:
    """The first answer after the index is open, then ours and the peer's for each of ``new`` in turn, in ms."""
    settings = EngineSettings(cache_dir=cache, signals=signals, checks_any_file=True)
    engine = Engine([FolderDataset("pictures", (folder,))], settings)
    try:
        async with ExploreClient.for_app(engine.app) as explore:

            async def ask(image: Path | None) -> None:
                query = DuplicatesQuery(image=None if image is None else str(image))
                await find_duplicates(explore, query, _silent, None)

            await ask(None)
            ours, theirs = list[float](), list[float]()
            for image in new:
                started = time.perf_counter()
                await ask(image)
                between = time.perf_counter()
                peer(image)
                ours.append((between - started) * 1000)
                theirs.append((time.perf_counter() - between) * 1000)
            return ours[0], ours[1:], theirs[1:]
    finally:
        engine.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="images in the dataset")
    parser.add_argument("--new", type=int, default=40, help="pictures that are checked")
    parser.add_argument("--signals", default="hash")
    options = parser.parse_args(arguments)
    heading("Checking one picture", "lookalike-mcp", "numpy", "imagehash")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        hashes = make_dataset(place / "pictures", options.count)
        make_photographs(place / "new", options.new + 1)

        def peer(image: Path) -> int:
            with Image.open(image) as picture:
                own = imagehash.phash(picture)
            return min(own - other for other in hashes)

        new = sorted((place / "new").iterdir())
        first, ours, theirs = anyio.run(measure, place / "pictures", new, place / "cache", peer, options.signals)
    rows = [
        (what, f"{options.count:,}", f"{statistics.median(times):.1f}", f"{max(times):.1f}")
        for what, times in ((f"find_duplicates with image ({options.signals})", ours), ("imagehash.phash", theirs))
    ]
    table(("what", "images", "ms (median)", "worst"), rows)
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(
        f"\nRatio of the medians: {ratio:.2f}; {options.new} pictures, the two in turn. The first took {first:.0f} ms."
    )


if __name__ == "__main__":
    main()
