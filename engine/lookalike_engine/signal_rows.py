"""The hashes and embeddings of many pictures, a row each: in memory while a batch is taken, mapped from disk later."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.hashing import HASH_BYTES
from lookalike_engine.orientation import Orientation

HASH_SHAPE: Final = (len(Orientation), HASH_BYTES)
FILES: Final = ("hashes", "embeddings")

_ROWS_AT_A_TIME: Final = 4096


class SignalRows:
    """Two arrays with a row for each picture."""

    def __init__(self, hashes: NDArray[np.uint8], embeddings: NDArray[np.int16]) -> None:
        self.hashes = hashes
        """uint8 (m, 8, 32): the packed hash in each orientation."""
        self.embeddings = embeddings
        """int16 (m, dimension): whole numbers of norm about 4000; no columns where no embedding is taken."""

    @classmethod
    def mapped(cls, folder: Path) -> "SignalRows":
        """Map what `write` wrote."""
        hashes, embeddings = (map_array(folder / f"{name}.npy") for name in FILES)
        return cls(hashes, embeddings)


def write(folder: Path, sources: Sequence[SignalRows | None], rows: Sequence[int], dimension: int) -> SignalRows:
    """Write row `rows[i]` of `sources[i]`, for all i, as the arrays `FILES` in `folder`, and return them, mapped.

    A source of None gives zeros. Memory: a few thousand rows, whatever their number. Raises OSError where the disk is
    full.
    """
    shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
        "hashes": (HASH_SHAPE, np.uint8),
        "embeddings": ((dimension,), np.int16),
    }
    for name, (shape, dtype) in shapes.items():
        about = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (len(rows), *shape)}
        # Not through a memory map: where the disk is full, writing to one does not fail but ends the process.
        with (folder / f"{name}.npy").open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, about)
            for start in range(0, len(rows), _ROWS_AT_A_TIME):
                chunk = range(start, min(start + _ROWS_AT_A_TIME, len(rows)))
                values = np.zeros((len(chunk), *shape), dtype=dtype)
                for source, places in _by_source(sources, chunk):
                    chosen = getattr(source, name)[[rows[place] for place in places]]
                    values[[place - start for place in places]] = chosen
                stream.write(values.tobytes())
    return SignalRows.mapped(folder)


def map_array(path: Path) -> NDArray[Any]:
    """Map an array into memory, read-only; an empty one cannot be mapped and is read."""
    header_only = path.stat().st_size <= _NPY_HEADER_BYTES
    array: NDArray[Any] = np.load(path, mmap_mode=None if header_only else "r", allow_pickle=False)
    return array.view(np.ndarray)  # a plain array on the same map: one element of it is read in a tenth of the time


_NPY_HEADER_BYTES: Final = 128


def _by_source(sources: Sequence[SignalRows | None], places: Iterable[int]) -> list[tuple[SignalRows, list[int]]]:
    found: dict[int, tuple[SignalRows, list[int]]] = {}
    for place in places:
        source = sources[place]
        if source is not None:
            found.setdefault(id(source), (source, []))[1].append(place)
    return list(found.values())
