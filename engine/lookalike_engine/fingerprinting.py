"""Reads files of a batch and takes their fingerprints."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.decode import decode
from lookalike_engine.errors import SkippedError
from lookalike_engine.exact import content_hash, pixel_hash
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.hashing import grid_of, hash_grids
from lookalike_engine.pillow import prepare
from lookalike_engine.reading import read_image
from lookalike_engine.scan import FoundFile


def fingerprint_batch(
    files: Sequence[FoundFile],
    settings: EngineSettings,
    executor: Executor,
    stop: Callable[[], None],
    taken: Callable[[int], None],
) -> list[Fingerprint]:
    """Return the fingerprints of `files`, in their order, decoding on the executor's threads.

    `stop` is asked before each file is opened and raises to end the batch; `taken` is told how many are done.
    """
    prepare(settings.max_pixels)

    def take(file: FoundFile) -> tuple[Fingerprint, NDArray[np.float32] | None]:
        stop()
        return _take(file, settings)

    results: list[tuple[Fingerprint, NDArray[np.float32] | None]] = []
    for result in executor.map(take, files):
        results.append(result)
        taken(len(results))
    pictures = [(fingerprint, grid) for fingerprint, grid in results if grid is not None]
    if pictures:
        hashes, detail = hash_grids(np.stack([grid for _, grid in pictures]))
        for row, (fingerprint, _) in enumerate(pictures):
            fingerprint.hashes, fingerprint.detail = hashes[row], float(detail[row])
    return [fingerprint for fingerprint, _ in results]


def pixel_hash_of(file: FoundFile, settings: EngineSettings) -> bytes | None:
    """Return the pixel hash of a file that has a fingerprint; None where it cannot be taken (any more)."""
    try:
        data, image_format = read_image(file, settings.max_file_bytes)
        return pixel_hash(data, image_format, settings.max_pixels)
    except SkippedError:
        return None


def _take(file: FoundFile, settings: EngineSettings) -> tuple[Fingerprint, NDArray[np.float32] | None]:
    try:
        data, image_format = read_image(file, settings.max_file_bytes)
        picture = decode(data, image_format, settings.max_pixels)
    except SkippedError as skipped:
        return Fingerprint(file, skipped.reason), None
    fingerprint = Fingerprint(file, width=picture.width, height=picture.height, content_hash=content_hash(data))
    return fingerprint, grid_of(picture)
