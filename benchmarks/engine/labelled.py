"""The pairs of a made set with what the engine's signals say of them, sorted into copies and random pairs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine.edits import EDITS
from benchmarks.engine.truth import PICTURES, Row, read_truth
from lookalike_engine.dataset import EngineSettings
from lookalike_engine.embedder import NORM
from lookalike_engine.fingerprinting import fingerprint_batch
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.hashing import DETAIL_FLOOR, effective_distance, reliance
from lookalike_engine.kindred import Stretch, stretch_for
from lookalike_engine.scan import scan
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.signals import load_signals
from lookalike_engine.similarity import HASH_BITS

BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Labelled:
    """All pairs p of a set's pictures with detail enough to be compared, but those that are left out of its scores."""

    distance: NDArray[np.int16]
    """Effective hash distance (p,)."""
    cosine: NDArray[np.float32]
    """Of the embeddings, as they are (p,); zeros where there are none."""
    reliance: NDArray[np.float32]
    """The smaller one of the two (p,)."""
    copy: NDArray[np.bool_]
    """Whether they are copies; else they are a random pair (p,)."""
    hard: NDArray[np.bool_]
    """Whether a hard edit made one of them (p,)."""
    easy: NDArray[np.bool_]
    """Whether they are an original and an easy edit of it (p,)."""
    edit: NDArray[np.int8]
    """The place in `EDITS` of what made one of them from the other, an original; -1 for all other pairs (p,)."""
    stretch: Stretch
    """What the engine stretches the signals of these pictures by, see `kindred`; they are not stretched here."""


def labelled(folder: Path, signals: str) -> Labelled:
    """Take the fingerprints of a made set and label its pairs."""
    of_file = {row.file: row for row in read_truth(folder)}
    taken = _fingerprints(folder / PICTURES, EngineSettings(cache_dir=folder, signals=signals))
    chosen = [each for each in taken if each.reason is None and each.detail >= DETAIL_FLOOR]
    rows = [of_file[each.file.path] for each in chosen]
    one, other = np.triu_indices(len(rows), 1)
    group, base = _numbers([row.group for row in rows]), _numbers([row.scene or row.file for row in rows])
    copy = group[one] == group[other]
    kept = copy | ~((base[one] == base[other]) | _shares_backdrop(rows, one, other))
    one, other = one[kept], other[kept]
    relied = reliance(np.array([each.detail for each in chosen], dtype=np.float32))
    tier = np.array([row.tier for row in rows])
    hard, easy, original = (tier == name for name in ("hard", "easy", "original"))
    places = {name: place for place, name in enumerate(EDITS)}
    edit = np.array([places.get(row.transform, -1) for row in rows], dtype=np.int8)
    return Labelled(
        distance=effective_distance(_distances(chosen)[one, other], relied[one], relied[other]),
        cosine=_cosines(chosen)[one, other],
        reliance=np.minimum(relied[one], relied[other]),
        copy=copy[kept],
        hard=hard[one] | hard[other],
        easy=(easy[one] & original[other]) | (easy[other] & original[one]),
        edit=np.where(copy[kept] & (original[one] | original[other]), np.maximum(edit[one], edit[other]), np.int8(-1)),
        stretch=_stretch(chosen, signals),
    )


def _fingerprints(folder: Path, settings: EngineSettings) -> list[Fingerprint]:
    files = scan([folder.resolve()], lambda: None, lambda _found: None).files
    taken: list[Fingerprint] = []
    with ThreadPoolExecutor(settings.workers) as executor:
        for start in range(0, len(files), BATCH):
            taken += fingerprint_batch(files[start : start + BATCH], settings, executor, lambda: None, lambda _: None)
    return taken


def _numbers(names: list[str]) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = np.unique(names, return_inverse=True)[1]
    return numbers


def _shares_backdrop(rows: list[Row], one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell pairs of which one was pasted on the other's picture, or both on one: neither copies nor distinct."""
    numbers = {name: number for number, name in enumerate(sorted({row.group for row in rows}))}
    group = np.array([numbers[row.group] for row in rows])
    backdrop = np.array([numbers.get(row.backdrop, -1) for row in rows])
    both = (backdrop[one] == backdrop[other]) & (backdrop[one] >= 0)
    shares: NDArray[np.bool_] = (backdrop[one] == group[other]) | (backdrop[other] == group[one]) | both
    return shares


def _distances(chosen: list[Fingerprint]) -> NDArray[np.int16]:
    """Return the hash distances in the best orientation (m, m)."""
    hashes = _hashes(chosen)
    signs = np.unpackbits(hashes, axis=2).astype(np.float32) * 2 - 1
    closest = np.full((len(hashes), len(hashes)), -HASH_BITS, dtype=np.float32)
    for turned in signs.swapaxes(0, 1):
        np.maximum(closest, turned @ signs[:, 0].T, out=closest)
    closest = np.maximum(closest, closest.T)
    return ((HASH_BITS - closest) / 2).astype(np.int16)


def _hashes(chosen: list[Fingerprint]) -> NDArray[np.uint8]:
    return np.array([each.rows.hashes[each.row] for each in chosen if each.rows is not None], dtype=np.uint8)


def _embeddings(chosen: list[Fingerprint]) -> NDArray[np.int16]:
    return np.array([each.rows.embeddings[each.row] for each in chosen if each.rows is not None], dtype=np.int16)


def _stretch(chosen: list[Fingerprint], signals: str) -> Stretch:
    distinct = {each.content_hash: each for each in chosen}
    pictures = list(distinct.values())
    rows = SignalRows(_hashes(pictures), _embeddings(pictures))
    detail = np.array([each.detail for each in pictures], dtype=np.float32)
    return stretch_for(rows, detail, np.arange(len(pictures)), list(distinct), load_signals(signals).scale)


def _cosines(chosen: list[Fingerprint]) -> NDArray[np.float32]:
    embeddings = _embeddings(chosen).astype(np.float32)
    cosines: NDArray[np.float32] = embeddings @ embeddings.T / np.float32(NORM**2)
    return cosines
