"""Seconds, recall and memory of the approximate searches, beside comparing everything and beside faiss as it comes.

The embeddings are made: clouds of vectors without negative parts, three in ten of them a copy moved a little. So are
the hashes: coefficients that fall with frequency, a quarter of them noisy copies, turned. Real pictures lie in tighter
clouds, which an index likes better. Every search runs in a process of its own, which is what its peak memory is of: the
memory map's pages count, as the system counts them. The peer named exact is a matrix product over the upper triangle.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import heading, table
from lookalike_engine.cells import TRAINING_SHARE, cells_for
from lookalike_engine.embedding_candidates import EmbeddingCandidates
from lookalike_engine.hash_candidates import HashCandidates
from lookalike_engine.hashing import HASH_SIDE
from lookalike_engine.orientation import Orientation
from lookalike_engine.recall import Aim, LevelRecall

LEAST = 0.763
"""The cosine of similarity 0.80 for the default embedding, at which all pairs of a large dataset are kept."""
COSINES = (0.836, 0.877)
"""Those of 0.90 and 0.95."""
WIDEST = 86
DISTANCES = (62,)

_MADE = 10_000
_ROWS = 4096

Outcome = dict[str, Any]


def make_embeddings(path: Path, n: int, dim: int) -> None:
    """Write n vectors of norm 4000 as an int16 file of rows."""
    rng = np.random.default_rng(1)
    latent = 96
    spread = np.arange(1, latent + 1) ** -0.35
    mixing = rng.normal(size=(latent, dim)).astype(np.float32)
    clouds = rng.normal(size=(max(20, n // 500), latent))
    with path.open("wb") as file:
        for start in range(0, n, _MADE):
            count = min(_MADE, n - start)
            own = 0.6 * clouds[rng.integers(len(clouds), size=count)] + 0.8 * rng.normal(size=(count, latent))
            copies = np.flatnonzero(rng.random(count) < 0.3)
            moved = rng.uniform(0.02, 0.45, (len(copies), 1)) * rng.normal(size=(len(copies), latent))
            own[copies] = own[rng.integers(count, size=len(copies))] + moved
            vectors = np.maximum((own * spread).astype(np.float32) @ mixing, 0)
            vectors *= 4000 / np.linalg.norm(vectors, axis=1, keepdims=True)
            file.write(np.rint(vectors).astype(np.int16).tobytes())


def make_hashes(path: Path, n: int) -> None:
    """Write the hashes of n pictures in eight orientations as a uint8 file."""
    rng = np.random.default_rng(1)
    frequency = np.arange(1, HASH_SIDE + 1)
    size = (1 / np.hypot(frequency[:, None], frequency) ** 1.3).astype(np.float32)
    sign = np.where(frequency % 2 == 1, -1, 1).astype(np.float32)

    def turned(block: NDArray[np.float32], orientation: Orientation) -> NDArray[np.float32]:
        steps = orientation.steps
        block = block.swapaxes(-1, -2) if steps.transpose else block
        block = block * sign[:, None] if steps.flip_rows else block
        return block * sign if steps.flip_columns else block

    with path.open("wb") as file:
        for start in range(0, n, _MADE):
            count = min(_MADE, n - start)
            own = rng.standard_normal((count, HASH_SIDE, HASH_SIDE), dtype=np.float32) * size
            for number in np.flatnonzero(rng.random(count) < 0.25).tolist():
                noise = rng.uniform(0.005, 0.12) * rng.standard_normal((HASH_SIDE, HASH_SIDE), dtype=np.float32)
                own[number] = turned(own[rng.integers(count)] + noise, Orientation(int(rng.integers(8))))
            every = np.stack([turned(own, orientation).reshape(count, -1) for orientation in Orientation], axis=1)
            file.write(np.packbits(every > np.median(every, axis=2, keepdims=True), axis=2).tobytes())


def peak_mib() -> int:
    """The most memory this process has held, mapped pages among it, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) >> 10


def search_cells(path: Path, n: int, dim: int) -> Outcome:
    """Our search of the embeddings."""
    mapped = np.memmap(path, np.int16, "r", shape=(n, dim))
    search = EmbeddingCandidates(mapped, LEAST, aim=Aim(levels=COSINES))
    pairs = sum(len(first) for first, _, _ in search.pairs())
    assert search.recall is not None
    return {"pairs": pairs, "probes": search.recall.probes, "recall": search.recall.levels}


def search_exactly(path: Path, n: int, dim: int) -> Outcome:
    """Every vector with every other."""
    mapped = np.memmap(path, np.int16, "r", shape=(n, dim))
    pairs = 0
    for top in range(0, n, _ROWS):
        rows = mapped[top : top + _ROWS].astype(np.float32)
        for left in range(top, n, _ROWS):
            close = rows @ mapped[left : left + _ROWS].astype(np.float32).T >= LEAST * 16e6
            pairs += int(np.count_nonzero(np.triu(close, 1) if left == top else close))
    return {"pairs": pairs}


def search_codes(path: Path, n: int, dim: int, probes: int = 8) -> Outcome:
    """The IVF-SQ8 of faiss over as many cells, by range search; a pair counts from both sides."""
    import faiss  # noqa: PLC0415 - the other peers need none

    mapped = np.memmap(path, np.int16, "r", shape=(n, dim))

    def parts(rows: int) -> Iterator[NDArray[np.float32]]:
        for start in range(0, n, rows):
            part = mapped[start : start + rows].astype(np.float32)
            faiss.normalize_L2(part)
            yield part

    count = cells_for(n)
    index: Any = faiss.index_factory(dim, f"IVF{count},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.seed, index.cp.min_points_per_centroid = 6, 1, 1
    drawn = np.sort(np.random.default_rng(1).choice(n, min(n, count * TRAINING_SHARE), replace=False))
    training = mapped[drawn].astype(np.float32)
    faiss.normalize_L2(training)
    index.train(training)
    del training
    for part in parts(8192):
        index.add(part)
    index.nprobe = probes
    hits = sum(int(index.range_search(part, LEAST)[0][-1]) for part in parts(1024))
    return {"pairs": f"{hits - n} hits", "probes": probes}


def search_hash_cells(path: Path, n: int, dim: int) -> Outcome:
    """Our search of the hashes."""
    del dim
    hashes = np.memmap(path, np.uint8, "r", shape=(n, 8, 32))
    search = HashCandidates(hashes, WIDEST, aim=Aim(target_level=DISTANCES[0], levels=DISTANCES))
    keys = [first.astype(np.int64) * n + second for first, second, _, _ in search.pairs()]
    assert search.recall is not None
    pairs = len(np.unique(np.concatenate(keys))) if keys else 0
    return {"pairs": pairs, "probes": search.recall.probes, "recall": search.recall.levels}


def search_hashes_exactly(path: Path, n: int, dim: int) -> Outcome:
    """Every hash in eight orientations with every upright one, by faiss's flat binary index."""
    import faiss  # noqa: PLC0415

    del dim
    hashes = np.memmap(path, np.uint8, "r", shape=(n, 8, 32))
    index: Any = faiss.IndexBinaryFlat(256)
    index.add(np.ascontiguousarray(hashes[:, 0]))
    hits = 0
    for start in range(0, n, 1024):
        limits, _, _ = index.range_search(
            np.ascontiguousarray(hashes[start : start + 1024]).reshape(-1, 32), WIDEST + 1
        )
        hits += int(limits[-1])
    return {"pairs": f"{hits - n} hits"}


def measured(search: Callable[[Path, int, int], Outcome], path: Path, n: int, dim: int) -> Outcome:
    """Run one search in a process of its own; its outcome, with seconds and peak memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (search, path, n, dim))


def _timed(search: Callable[[Path, int, int], Outcome], path: Path, n: int, dim: int) -> Outcome:
    started, cpu = time.perf_counter(), time.process_time()
    outcome = search(path, n, dim)
    return outcome | {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "peak": peak_mib(),
    }


def _shown(levels: Sequence[LevelRecall]) -> str:
    return ", ".join(
        f"{each.level:g}: " + ("–" if each.share is None else f"{each.share:.4f}") + f" of {each.pairs}"
        for each in levels
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, nargs="+", default=[50_000], help="pictures; 1000000 takes an hour")
    parser.add_argument("--dim", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], help="first words of rows to leave out, such as exact")
    options = parser.parse_args(arguments)
    heading("Candidates", "faiss-cpu", "numpy")
    searches: dict[str, tuple[str, Callable[[Path, int, int], Outcome]]] = {
        f"cells, embeddings of {options.dim}": ("embeddings", search_cells),
        f"exact, embeddings of {options.dim}": ("embeddings", search_exactly),
        f"faiss IVF-SQ8, embeddings of {options.dim}": ("embeddings", search_codes),
        "cells, hashes": ("hashes", search_hash_cells),
        "exact (faiss flat), hashes": ("hashes", search_hashes_exactly),
    }
    chosen = {name: each for name, each in searches.items() if not name.startswith(tuple(options.without) or ("\0",))}
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for n in options.count:
            paths = {"embeddings": Path(scratch) / "embeddings", "hashes": Path(scratch) / "hashes"}
            make_embeddings(paths["embeddings"], n, options.dim)
            make_hashes(paths["hashes"], n)
            runs: dict[str, list[Outcome]] = {name: [] for name in chosen}
            for _ in range(options.rounds):
                for name, (kind, search) in chosen.items():
                    runs[name].append(measured(search, paths[kind], n, options.dim))
            for name, outcomes in runs.items():
                seconds = [each["seconds"] for each in outcomes]
                last = outcomes[-1]
                rows.append(
                    (
                        name,
                        n,
                        f"{statistics.median(seconds):.1f}",
                        f"{min(seconds):.1f} to {max(seconds):.1f}",
                        f"{statistics.median(each['cpu'] for each in outcomes):.1f}",
                        last["pairs"],
                        last.get("probes", "–"),
                        _shown(last.get("recall", ())) or "–",
                        max(each["peak"] for each in outcomes),
                    )
                )
    columns = (
        "search",
        "pictures",
        "s (median)",
        "range",
        "CPU s",
        "pairs",
        "probes",
        "recall of a sample",
        "peak MiB",
    )
    table(columns, rows)
    print(
        f"\n{options.rounds} rounds, the searches in turn, each with its index made anew. 'Hits' count both directions."
    )


if __name__ == "__main__":
    main()
