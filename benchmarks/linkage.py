"""Linking close pairs, and the clusters of a threshold, beside connected components and beside linking anew.

The pairs are made up (`pair_graphs`), five an image: small cliques, groups of hundreds, chains, chance pairs, ties.
Each round is a process of its own: one that links, one that opens the published snapshot and asks. Peers, in the same
process on the same pairs at or above the threshold: scipy's connected components, which promise nothing about the pairs
of a cluster, and linking those pairs again, which is what a threshold costs where merges are not kept.
``python -m benchmarks.linkage --images 1000000`` takes some six minutes and 3 GB.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.made_snapshot import DATASET_ID, byte_hashes, publish_graph
from benchmarks.pair_graphs import PairGraph, pair_graph
from benchmarks.report import heading, table
from lookalike_engine.catalogue import Catalogue
from lookalike_engine.linkage import Merges, link
from lookalike_engine.pages import page_of_clusters
from lookalike_engine.snapshot import current_snapshot
from lookalike_engine.vql import Filters

PAIRS_AN_IMAGE: Final = 5
THRESHOLDS: Final = (0.95, 0.80)
_PAGES: Final = (0, 1, 7)
_COLUMNS: Final = ("first", "second", "similarity")

Figures = dict[str, float]


class _Time(NamedTuple):
    """Seconds. All that is measured runs on one core: on an idle machine the two are the same."""

    wall: float
    processor: float


def _time(work: Callable[[], object]) -> _Time:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return _Time(time.perf_counter() - wall, time.process_time() - processor)


def _peak() -> float:
    """MiB that this process has held at most, so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB elsewhere


def _graph(folder: Path) -> PairGraph:
    first, second, similarity = (np.load(folder / f"{name}.npy") for name in _COLUMNS)
    return PairGraph(int(np.load(folder / "n.npy")), first, second, similarity)


def _make(folder: Path, images: int) -> Figures:
    graph = pair_graph(images, images * PAIRS_AN_IMAGE, seed=1)
    for name in ("n", *_COLUMNS):
        np.save(folder / f"{name}.npy", getattr(graph, name))
    return {"pairs": len(graph.first)}


def _link(folder: Path) -> Figures:
    graph = _graph(folder)
    hashes = byte_hashes(graph.n)
    linked: list[Merges] = []
    before = _peak()
    taken = _time(lambda: linked.append(link(graph, graph.similarity, hashes, graph.n)))
    np.savez(folder / "merges.npz", **{name: getattr(linked[0], name) for name in _COLUMNS})
    return {"link s": taken.wall, "link processor s": taken.processor, "link MiB": _peak() - before}


def _publish(folder: Path) -> Figures:
    graph, merges = _graph(folder), np.load(folder / "merges.npz")
    kept = Merges(merges["first"], merges["second"], merges["similarity"])
    taken = _time(lambda: publish_graph(folder / "dataset", graph, kept, byte_hashes(graph.n)))
    return {"publish s": taken.wall, "publish processor s": taken.processor}


def _ask(folder: Path) -> Figures:
    snapshot = current_snapshot(folder / "dataset")
    assert snapshot is not None
    page_of_clusters(Catalogue(DATASET_ID, snapshot), Catalogue(DATASET_ID, snapshot).clusters(Filters(1.0)), 0)
    catalogue = Catalogue(DATASET_ID, snapshot)
    figures: Figures = {}
    for threshold in THRESHOLDS:
        asked = Filters(threshold)
        taken = _time(partial(catalogue.clusters, asked))
        clusters = catalogue.clusters(asked)
        pages = [_time(partial(page_of_clusters, catalogue, clusters, page)) for page in _PAGES]
        figures |= {
            f"clusters {threshold}": len(clusters),
            f"clusters ms {threshold}": 1000 * taken.wall,
            f"clusters processor ms {threshold}": 1000 * taken.processor,
            f"page ms {threshold}": 1000 * max(page.wall for page in pages),
            f"page processor ms {threshold}": 1000 * max(page.processor for page in pages),
        }
    figures["ask MiB"] = _peak()
    graph = _graph(folder)
    hashes = byte_hashes(graph.n)
    for threshold in THRESHOLDS:
        count = int(np.count_nonzero(graph.similarity >= threshold))
        close = PairGraph(graph.n, graph.first[:count], graph.second[:count], graph.similarity[:count])
        figures[f"components ms {threshold}"] = 1000 * _time(partial(_components, close)).wall
        anew = _time(partial(link, close, close.similarity, hashes, close.n))
        figures[f"anew ms {threshold}"] = 1000 * anew.wall
    return figures


def _components(graph: PairGraph) -> None:
    shape = (graph.n, graph.n)
    ones = np.ones(len(graph.first), dtype=np.int8)
    connected_components(coo_array((ones, (graph.first, graph.second)), shape=shape), directed=False)


def _in_a_process(stage: str, folder: Path, images: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.linkage", "--stage", stage, "--folder", str(folder)]
    done = subprocess.run([*command, "--images", str(images)], check=True, stdout=subprocess.PIPE, text=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def _measured(images: int, rounds: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        runs = [_in_a_process("make", folder, images)]
        runs += [_in_a_process("link", folder, images) for _ in range(rounds)]
        runs += [_in_a_process("publish", folder, images)]
        runs += [_in_a_process("ask", folder, images) for _ in range(rounds)]
    return {name: [run[name] for run in runs if name in run] for name in {name for run in runs for name in run}}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stage", choices=("make", "link", "publish", "ask"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.stage is not None:
        stage = {"link": _link, "publish": _publish, "ask": _ask}.get(options.stage)
        print(json.dumps(stage(options.folder) if stage else _make(options.folder, options.images)))
        return
    heading("Linking, and the clusters of a threshold", "lookalike-mcp", "numpy", "scipy")
    found = {name: statistics.median(values) for name, values in _measured(options.images, options.rounds).items()}
    table(
        ("images", "pairs", "linking s", "its memory MiB", "publishing s", "peak of a process that answers MiB"),
        [
            (
                f"{options.images:,}",
                f"{found['pairs']:,.0f}",
                f"{found['link s']:.1f} ({found['link processor s']:.1f})",
                f"{found['link MiB']:.0f}",
                f"{found['publish s']:.1f} ({found['publish processor s']:.1f})",
                f"{found['ask MiB']:.0f}",
            )
        ],
    )
    print()
    table(
        ("similarity", "clusters", "clusters ms", "slowest page of 100 ms", "components ms (ratio)", "anew ms (ratio)"),
        [
            (
                threshold,
                f"{found[f'clusters {threshold}']:,.0f}",
                *(
                    f"{found[f'{ours} ms {threshold}']:.0f} ({found[f'{ours} processor ms {threshold}']:.0f})"
                    for ours in ("clusters", "page")
                ),
                *(
                    f"{found[f'{peer} ms {threshold}']:.0f} "
                    f"({found[f'{peer} ms {threshold}'] / found[f'clusters ms {threshold}']:.1f})"
                    for peer in ("components", "anew")
                ),
            )
            for threshold in THRESHOLDS
        ],
    )
    print(f"\nMedians of {options.rounds} rounds, publishing once; in brackets the processor time of ours, which other")
    print("work on the machine leaves alone, and for peers the ratio: how many times longer than ours they take.")


if __name__ == "__main__":
    main()
