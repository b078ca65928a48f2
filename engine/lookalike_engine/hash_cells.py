"""Hashes in cells and the search in them: faiss's binary inverted lists, every answer bounded beforehand."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cells import SEED, TRAINING_SHARE, Cells, cells_for
from lookalike_engine.orientation import Orientation

BITS: Final = 256
TURNS: Final = len(Orientation)

MOST_COMPARED: Final = 1 << 24
"""Hashes compared in one call of faiss, each of which may become an answer of 12 bytes: 200 MB at the very worst."""

_BATCH: Final = 1024
_TRAINING: Final = 200_000

Hits = tuple[NDArray[np.int32], NDArray[np.int32]]


class HashCells:
    """The upright hashes of m pictures, parted into cells by k-means of their bits as ±1."""

    def __init__(self, hashes: NDArray[np.uint8], max_distance: int, stop: Callable[[], None]) -> None:
        """Part the hashes, uint8 (m, 8, 32), to find pairs up to `max_distance` bits; raises MissingFaissError."""
        m = len(hashes)
        self._hashes = hashes
        upright = np.ascontiguousarray(hashes[:, Orientation.UPRIGHT])
        count = cells_for(m)
        drawn = np.random.default_rng(SEED).choice(
            m, min(m, max(count, min(count * TRAINING_SHARE, _TRAINING))), replace=False
        )
        self.cells = Cells.train(signs(upright[np.sort(drawn)]), count, 1 - 2 * max_distance / BITS, stop)
        count = self.cells.count

        import faiss  # noqa: PLC0415 - see `cells`

        self.home = np.empty(m, dtype=np.int64)
        """The cell of each picture's upright hash (m,)."""
        coarse = faiss.IndexBinaryFlat(BITS)
        coarse.add(np.zeros((count, BITS // 8), dtype=np.uint8))  # never asked: each search says which cells
        self._lists: Any = faiss.IndexBinaryIVF(coarse, BITS, count)
        self._lists.is_trained = True
        for start in range(0, m, _BATCH * TURNS):
            stop()
            part = upright[start : start + _BATCH * TURNS]
            numbers = np.arange(start, start + len(part), dtype=np.int64)
            home = self.cells.nearest(signs(part), 1)[:, 0]
            self.home[numbers] = home
            pointers = [faiss.swig_ptr(each) for each in (part, numbers, home)]
            lists: Any = self._lists  # add_core is missing in the stubs
            lists.add_core(len(part), *pointers)
        self._sizes = np.bincount(self.home, minlength=count)

    def probed(self, pictures: NDArray[np.integer], probes: int) -> NDArray[np.int64]:
        """Return the cells nearest to each picture in each orientation, nearest first; (p, 8, probes)."""
        found = self.cells.nearest(signs(self._hashes[pictures].reshape(-1, BITS // 8)), probes)
        return found.reshape(len(pictures), TURNS, -1)

    def within(self, pictures: NDArray[np.int32], probes: int, radius: int) -> Iterator[tuple[float, Hits]]:
        """Yield (share of the pictures done, (pictures, others)) for all that a turn brings within `radius` bits.

        No answer is cut: a batch that might have too large a one is searched in parts. A picture never has itself.
        """
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH]
            probed = self.probed(batch, probes)
            work = np.cumsum(self._sizes[probed].sum(axis=(1, 2)))
            begin = 0
            while begin < len(batch):
                before = int(work[begin - 1]) if begin else 0
                end = max(begin + 1, int(np.searchsorted(work, before + MOST_COMPARED, side="right")))
                part, cells = batch[begin:end], probed[begin:end].reshape((end - begin) * TURNS, -1)
                queries = np.ascontiguousarray(self._hashes[part].reshape(-1, BITS // 8))
                self._lists.nprobe = cells.shape[1]
                limits, _, found = self._lists.range_search_preassigned(
                    queries, radius + 1, cells, np.zeros(cells.shape, dtype=np.int32)
                )
                seekers = np.repeat(np.repeat(part, TURNS), np.diff(limits.astype(np.int64)))
                yield (start + end) / len(pictures), distinct(seekers, found, len(self._hashes))
                begin = end

    def nearest(self, pictures: NDArray[np.int32], probes: int) -> NDArray[np.int32]:
        """Return for each picture the two nearest hashes found in each orientation (p, 16), -1 where there is none."""
        found = np.empty((len(pictures), TURNS * 2), dtype=np.int32)
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH]
            cells = self.probed(batch, probes).reshape(len(batch) * TURNS, -1)
            queries = np.ascontiguousarray(self._hashes[batch].reshape(-1, BITS // 8))
            self._lists.nprobe = cells.shape[1]
            _, nearest = self._lists.search_preassigned(queries, 2, cells, np.zeros(cells.shape, dtype=np.int32))
            found[start : start + _BATCH] = nearest.reshape(len(batch), -1)
        return found


def distinct(seekers: NDArray[np.integer], found: NDArray[np.integer], m: int) -> Hits:
    """Return the pairs (picture, other one) of m pictures without those of a picture with itself, each once."""
    apart = seekers != found
    keys = np.sort(seekers[apart].astype(np.int64) * m + found[apart])  # np.unique hashes, and takes far longer
    keys = keys[np.diff(keys, prepend=-1) != 0]
    return (keys // m).astype(np.int32), (keys % m).astype(np.int32)


def signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return packed hashes (h, 32) as vectors of length 1 (h, 256), each bit as one sign."""
    return (np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1) / np.float32(BITS**0.5)


def exact_hits(
    hashes: NDArray[np.uint8],
    ranks: NDArray[np.int32],
    images: NDArray[np.int32],
    radius: int,
    stop: Callable[[], None],
) -> Iterator[Hits]:
    """Compare some pictures with all, exhaustively; yield (picture, other one), each pair within `radius` bits once.

    Of the two, the one with the lower of the `ranks` is turned.
    """
    import faiss  # noqa: PLC0415 - see `cells`

    m = len(hashes)
    upright = np.ascontiguousarray(hashes[:, Orientation.UPRIGHT])
    everyone, chosen = faiss.IndexBinaryFlat(BITS), faiss.IndexBinaryFlat(BITS)
    everyone.add(upright)
    chosen.add(upright[images])
    numbers = np.arange(m, dtype=np.int32)
    for seekers, index, index_images, turned_is_chosen in (
        (images, everyone, numbers, True),
        (numbers, chosen, images, False),
    ):
        step = max(1, MOST_COMPARED // (TURNS * len(index_images)))
        for start in range(0, len(seekers), step):
            stop()
            part = seekers[start : start + step]
            queries = np.ascontiguousarray(hashes[part].reshape(-1, BITS // 8))
            limits, _, place = index.range_search(queries, radius + 1)
            turned = np.repeat(np.repeat(part, TURNS), np.diff(limits.astype(np.int64)))
            other = index_images[place]
            right = ranks[turned] < ranks[other]
            hits = (turned[right], other[right])
            yield distinct(hits[0], hits[1], m) if turned_is_chosen else distinct(hits[1], hits[0], m)
