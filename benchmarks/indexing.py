"""Images per second for indexing 1,000 photographs from a cold cache, beside imagehash on the same files.

Each round indexes into an empty cache and then hashes the same files with imagehash.phash on as many threads.
The engine's time is everything from the first question to READY: walking, decoding, hashing, comparing, linking,
publishing. imagehash only decodes and hashes; it compares nothing.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import anyio
import imagehash
from PIL import Image

from benchmarks.report import heading, table
from lookalike_engine import Engine, EngineSettings, FolderDataset
from lookalike_tools import ExploreClient, wait_until_ready

SIZE = (1024, 768)
SIGNALS = ("hash", "lite0")


def make_photographs(folder: Path, count: int) -> None:
    """Random windows of the photographs that scikit-image ships, each scaled to 1024 × 768 and saved as a JPEG."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-image is missing: run `make bench`, which installs the development dependencies")
    shipped = sorted((Path(spec.origin).parent / "data").glob("*"))
    sources = [
        Image.open(path).convert("RGB")
        for path in shipped
        if path.stat().st_size > 100_000 and path.suffix in {".png", ".jpg"}
    ]
    rng = random.Random(7)
    folder.mkdir()
    for number in range(count):
        source = rng.choice(sources)
        width = rng.randint(source.width // 3, source.width)
        height = min(source.height, width * 3 // 4)
        left, top = rng.randint(0, source.width - width), rng.randint(0, source.height - height)
        window = source.crop((left, top, left + width, top + height)).resize(SIZE, Image.Resampling.BICUBIC)
        window.save(folder / f"{number:04}.jpg", quality=88)


async def index(folder: Path, cache: Path, signals: str) -> int:
    """Index ``folder`` into an empty cache; the number of images found."""
    engine = Engine([FolderDataset("photographs", (folder,))], EngineSettings(cache_dir=cache, signals=signals))
    try:
        async with ExploreClient.for_app(engine.app) as client:
            (dataset,) = await client.datasets()
            ready = await wait_until_ready(client, dataset, _silent, patience=None)
            return ready.n_images or 0
    finally:
        engine.close()


async def _silent(done: float, total: float | None, message: str) -> None:
    del done, total, message


def hash_all(files: Sequence[Path]) -> None:
    """imagehash.phash of every file, on as many threads as there are cores."""

    def phash(path: Path) -> object:
        try:
            with Image.open(path) as picture:
                return imagehash.phash(picture)
        except OSError:  # a folder of one's own may hold files that are no pictures
            return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(phash, files))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="photographs of your own instead of the made ones")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    heading("Indexing", "lookalike-mcp", "numpy", "pillow", "simplejpeg", "imagehash")
    ours: dict[str, list[float]] = {signals: [] for signals in SIGNALS}
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "photographs"
        if options.folder is None:
            make_photographs(folder, options.count)
        files = [path for path in folder.rglob("*") if path.is_file()]
        count = 0
        for number in range(options.rounds):
            for signals, rates in ours.items():
                started = time.perf_counter()
                count = anyio.run(index, folder, Path(scratch) / f"cache-{signals}-{number}", signals)
                rates.append(count / (time.perf_counter() - started))
            started = time.perf_counter()
            hash_all(files)
            theirs.append(len(files) / (time.perf_counter() - started))
    measured = {f"lookalike index --signals {signals}, everything": rates for signals, rates in ours.items()}
    measured["imagehash.phash, decoding and hashing alone"] = theirs
    table(
        ("what", "images", "images/s (median)", "range"),
        [
            (what, count, f"{statistics.median(rates):.0f}", f"{min(rates):.0f} to {max(rates):.0f}")
            for what, rates in measured.items()
        ],
    )
    ratios = ", ".join(
        f"{signals} {statistics.median(rates) / statistics.median(theirs):.2f}" for signals, rates in ours.items()
    )
    print(f"\nRatios of the medians: {ratios}; {options.rounds} rounds, all in turn.")


if __name__ == "__main__":
    main()
