"""Reads files of a batch and takes their fingerprints."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.decode import decode
from lookalike_engine.embedder import Embedder, embedder_for
from lookalike_engine.errors import SkippedError
from lookalike_engine.exact import content_hash, pixel_hash
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.framing import within_frame
from lookalike_engine.hashing import grid_of, hash_grids
from lookalike_engine.pillow import prepare
from lookalike_engine.reading import read_image
from lookalike_engine.scan import FoundFile
from lookalike_engine.signal_rows import HASH_SHAPE, SignalRows
from lookalike_engine.signals import Signals

_AT_A_TIME: Final = 8
"""Files that a thread takes at once: their hashes cost one transform."""


@dataclass(slots=True)
class _Taken:
    fingerprint: Fingerprint
    grid: NDArray[np.float32] | None = None
    embedding: NDArray[np.int16] | None = None


def fingerprint_batch(
    files: Sequence[FoundFile],
    settings: EngineSettings,
    signals: Signals,
    executor: Executor,
    stop: Callable[[], None],
    taken: Callable[[int], None],
) -> list[Fingerprint]:
    """Return the fingerprints of `files`, in their order; the executor's threads decode and embed.

    `stop` is asked before each file is opened and raises to end the batch; `taken` is told how many are done.
    """
    prepare(settings.max_pixels)
    embedder = None if signals.model is None else embedder_for(signals.model)

    def take(few: Sequence[FoundFile]) -> tuple[list[Fingerprint], NDArray[np.uint8], NDArray[np.int16]]:
        found: list[_Taken] = []
        for file in few:
            stop()
            found.append(_take(file, settings, signals, embedder))
        return _hashed(found, signals.dimension)

    fingerprints: list[Fingerprint] = []
    hashes, embeddings = [np.zeros((0, *HASH_SHAPE), np.uint8)], [np.zeros((0, signals.dimension), np.int16)]
    for few, some_hashes, some_embeddings in executor.map(take, _in_groups(files)):
        fingerprints += few
        hashes.append(some_hashes)
        embeddings.append(some_embeddings)
        taken(len(fingerprints))
    rows = SignalRows(np.concatenate(hashes), np.concatenate(embeddings))
    for row, fingerprint in enumerate(each for each in fingerprints if each.reason is None):
        fingerprint.rows, fingerprint.row = rows, row
    return fingerprints


def pixel_hash_of(file: FoundFile, settings: EngineSettings) -> bytes | None:
    """Return the pixel hash of a file that has a fingerprint; None where it cannot be taken (any more)."""
    try:
        data, image_format = read_image(file, settings.max_file_bytes)
        return pixel_hash(data, image_format, settings.max_pixels)
    except SkippedError:
        return None


def _in_groups(files: Sequence[FoundFile]) -> list[Sequence[FoundFile]]:
    return [files[start : start + _AT_A_TIME] for start in range(0, len(files), _AT_A_TIME)]


def _take(file: FoundFile, settings: EngineSettings, signals: Signals, embedder: Embedder | None) -> _Taken:
    try:
        data, image_format = read_image(file, settings.max_file_bytes)
        picture = decode(data, image_format, settings.max_pixels, signals.small_side)
    except SkippedError as skipped:
        return _Taken(Fingerprint(file, skipped.reason))
    fingerprint = Fingerprint(file, width=picture.width, height=picture.height, content_hash=content_hash(data))
    shown = within_frame(picture)
    return _Taken(fingerprint, grid_of(shown), None if embedder is None else embedder.embed(shown))


def _hashed(
    found: Sequence[_Taken], dimension: int
) -> tuple[list[Fingerprint], NDArray[np.uint8], NDArray[np.int16]]:
    """Return the fingerprints, and the hashes and embeddings of those that are pictures."""
    fingerprints = [each.fingerprint for each in found]
    grids = [each.grid for each in found if each.grid is not None]
    if not grids:
        return fingerprints, np.zeros((0, *HASH_SHAPE), np.uint8), np.zeros((0, dimension), np.int16)
    hashes, detail = hash_grids(np.stack(grids))
    for fingerprint, value in zip((each for each in fingerprints if each.reason is None), detail, strict=True):
        fingerprint.detail = float(value)
    embeddings = [each.embedding for each in found if each.embedding is not None]
    return fingerprints, hashes, np.stack(embeddings) if embeddings else np.zeros((len(grids), 0), np.int16)
