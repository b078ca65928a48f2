"""Signal rows of a run that is under way: two files that only grow, mapped anew after each batch.

One mapping each, however many batches there are: a mapping for each batch would use up the file handles of a process.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.signal_rows import HASH_SHAPE, SignalRows


class GrowingRows(SignalRows):
    """Rows on disk without a header: what is beyond the last finished batch is cut off by the next run."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._files: tuple[tuple[Path, tuple[int, ...], type[np.generic]], ...] = (
            (folder / "hashes.raw", HASH_SHAPE, np.uint8),
            (folder / "embeddings.raw", (dimension,), np.int16),
        )
        self._count = 0
        super().__init__(*self._mapped())

    def cut(self, count: int) -> None:
        """Forget all rows from `count` on: a run was killed before it had written their table."""
        for path, shape, dtype in self._files:
            if path.exists():
                os.truncate(path, min(path.stat().st_size, count * _row_bytes(shape, dtype)))
        self._count = count
        self.hashes, self.embeddings = self._mapped()

    def append(self, sources: Sequence[SignalRows | None], rows: Sequence[int]) -> int:
        """Write row `rows[i]` of `sources[i]`, for all i, after the last; return the number of the first."""
        first = self._count
        for name, (path, shape, dtype) in zip(("hashes", "embeddings"), self._files, strict=True):
            values = [getattr(source, name)[row] for source, row in zip(sources, rows, strict=True)]
            with path.open("r+b" if path.exists() else "w+b") as stream:
                stream.seek(first * _row_bytes(shape, dtype))
                stream.write(np.asarray(values, dtype=dtype).tobytes())
        self._count = first + len(rows)
        self.hashes, self.embeddings = self._mapped()
        return first

    def digest(self, first: int, end: int) -> str:
        """Return the SHA-256 of rows `first` to `end` as they are on disk, in hex; of fewer where they are not there."""
        digest = hashlib.sha256()
        for path, shape, dtype in self._files:
            size = _row_bytes(shape, dtype)
            if first == end or not size:
                continue
            with path.open("rb") as stream:
                stream.seek(first * size)
                digest.update(stream.read((end - first) * size))
        return digest.hexdigest()

    def _mapped(self) -> tuple[NDArray[Any], NDArray[Any]]:
        hashes, embeddings = (
            np.memmap(path, dtype, mode="r", shape=(self._count, *shape))
            if self._count and _row_bytes(shape, dtype)
            else np.zeros((self._count, *shape), dtype)
            for path, shape, dtype in self._files
        )
        return hashes, embeddings


def _row_bytes(shape: tuple[int, ...], dtype: type[np.generic]) -> int:
    return int(np.prod(shape)) * np.dtype(dtype).itemsize
