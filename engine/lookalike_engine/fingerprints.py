"""What is known of each file that was read: a picture's signals, or why it is none."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.errors import SkipReason
from lookalike_engine.scan import FoundFile
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.tables import Columns, read_table, text_column, write_table

FINGERPRINT_VERSION: Final = 4
"""Raised whenever the same file would get another fingerprint, or be skipped for another reason: decoding, hashing."""

NO_DIGEST: Final = b"\0" * 16
"""Stands for a pixel hash that nobody needed to compute."""


@dataclass(slots=True)
class Fingerprint:
    """One file's. A file that is no image has a reason and none of the rest.

    The byte hash, the pixel hash where it was needed, and the detail that tells whether a perceptual hash means anything.
    The hashes and the embedding themselves are a row of arrays that many share: in memory, or mapped from disk.
    """

    file: FoundFile
    reason: SkipReason | None = None
    width: int = 0
    height: int = 0
    content_hash: bytes = NO_DIGEST
    pixel_hash: bytes = NO_DIGEST
    detail: float = 0.0
    rows: SignalRows | None = None
    row: int = -1
    """Which of `rows`."""


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
    """Return everything but the rows as table columns."""

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


def save(table: Path, fingerprints: Sequence[Fingerprint]) -> None:
    """Write everything but the rows as a table."""
    write_table(table, to_columns(fingerprints))


def load(table: Path, rows: SignalRows | None, first_row: int = 0) -> list[Fingerprint]:
    """Read fingerprints from a table; its pictures, in their order, have the `rows` from `first_row` on.

    Absolute paths are not kept: `file.absolute` is empty.
    """
    columns = read_table(table, _NAMES)
    found: list[Fingerprint] = []
    for path, reason, size, mtime_ns, ctime_ns, device, inode, width, height, content, pixels, detail in zip(
        *(columns[name].tolist() for name in _NAMES), strict=True
    ):
        file = FoundFile(os.fsdecode(bytes(path)), "", size, mtime_ns, (device, inode), ctime_ns)
        if reason:
            found.append(Fingerprint(file, SkipReason(reason)))
            continue
        found.append(
            Fingerprint(file, None, width, height, bytes(content), bytes(pixels), detail, rows, first_row)
        )
        first_row += 1
    return found
