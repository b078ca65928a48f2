"""What is known of each file that was read: a picture's signals, or why it is none."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.errors import SkipReason
from lookalike_engine.hashing import HASH_BYTES
from lookalike_engine.scan import FoundFile
from lookalike_engine.tables import Columns, read_table, text_column, write_table

FINGERPRINT_VERSION: Final = 3
"""Raised whenever the same file would get another fingerprint, or be skipped for another reason: decoding, hashing."""

NO_DIGEST: Final = b"\0" * 16
"""Stands for a pixel hash that nobody needed to compute."""

PART_FILES: Final = ("files.parquet", "hashes.npy")
"""What `save_part` writes."""

_ORIENTATIONS: Final = 8


@dataclass(slots=True)
class Fingerprint:
    """One file's. A file that is no image has a reason and none of the rest.

    Each signal is a field of its own: the byte hash, the pixel hash where it was needed, the perceptual hash in eight
    orientations with the detail that tells whether it means anything.
    """

    file: FoundFile
    reason: SkipReason | None = None
    width: int = 0
    height: int = 0
    content_hash: bytes = NO_DIGEST
    pixel_hash: bytes = NO_DIGEST
    detail: float = 0.0
    hashes: NDArray[np.uint8] | None = None
    """Shape (8, 32), one packed hash per orientation."""


_NAMES: Final = (
    "path",
    "reason",
    "file_size",
    "mtime_ns",
    "ctime_ns",
    "device",
    "inode",
    "width",
    "height",
    "content_hash",
    "pixel_hash",
    "detail",
)


def to_columns(fingerprints: Sequence[Fingerprint]) -> Columns:
    """Return everything but the perceptual hashes as table columns."""

    def numbers(values: Iterable[Any], dtype: type[np.generic]) -> NDArray[Any]:
        return np.fromiter(values, dtype=dtype, count=len(fingerprints))

    return {
        "path": text_column([os.fsencode(each.file.path) for each in fingerprints]),
        "reason": text_column([each.reason.value if each.reason else "" for each in fingerprints]),
        "file_size": numbers((each.file.size for each in fingerprints), np.int64),
        "mtime_ns": numbers((each.file.mtime_ns for each in fingerprints), np.int64),
        "ctime_ns": numbers((each.file.ctime_ns for each in fingerprints), np.int64),
        "device": numbers((each.file.identity[0] for each in fingerprints), np.uint64),
        "inode": numbers((each.file.identity[1] for each in fingerprints), np.uint64),
        "width": numbers((each.width for each in fingerprints), np.int32),
        "height": numbers((each.height for each in fingerprints), np.int32),
        "content_hash": text_column([each.content_hash for each in fingerprints]),
        "pixel_hash": text_column([each.pixel_hash for each in fingerprints]),
        "detail": numbers((each.detail for each in fingerprints), np.float32),
    }


def hash_array(fingerprints: Sequence[Fingerprint]) -> NDArray[np.uint8]:
    """Return the perceptual hashes, uint8 (n, 8, 32), zeros for files without one."""
    hashes = np.zeros((len(fingerprints), _ORIENTATIONS, HASH_BYTES), dtype=np.uint8)
    for row, each in enumerate(fingerprints):
        if each.hashes is not None:
            hashes[row] = each.hashes
    return hashes


def load_part(folder: Path) -> list[Fingerprint]:
    """Read what `save_part` wrote."""
    table, hashes = PART_FILES
    return load(folder / table, folder / hashes)


def save_part(folder: Path, fingerprints: Sequence[Fingerprint]) -> None:
    """Write fingerprints as `PART_FILES` into an existing folder."""
    table, hashes = PART_FILES
    write_table(folder / table, to_columns(fingerprints))
    np.save(folder / hashes, hash_array(fingerprints), allow_pickle=False)


def load(table: Path, hashes: Path | None) -> list[Fingerprint]:
    """Read fingerprints from a table and an array of hashes, None if the table has files that are no images alone.

    Absolute paths are not kept: `file.absolute` is empty.
    """
    columns = read_table(table, _NAMES)
    count = len(columns["path"])
    signals = np.load(hashes, allow_pickle=False) if hashes else np.zeros((count, 0), dtype=np.uint8)
    rows = zip(*(columns[name].tolist() for name in _NAMES), signals, strict=True)
    return [
        Fingerprint(
            FoundFile(os.fsdecode(bytes(path)), "", size, mtime_ns, (device, inode), ctime_ns),
            SkipReason(reason) if reason else None,
            width,
            height,
            bytes(content),
            bytes(pixels),
            detail,
            None if reason else signal,
        )
        for (
            path,
            reason,
            size,
            mtime_ns,
            ctime_ns,
            device,
            inode,
            width,
            height,
            content,
            pixels,
            detail,
            signal,
        ) in rows
    ]
