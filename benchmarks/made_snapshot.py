"""A snapshot of made-up images with the pairs of a graph, published as an indexing run publishes its own."""

import hashlib
import uuid
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.pair_graphs import FLOOR, PairGraph
from lookalike_engine.calibration import check_calibration
from lookalike_engine.comparison import Comparison
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.kindred import Stretch
from lookalike_engine.linkage import Merges, clusters_at
from lookalike_engine.publishing import Contents, gather, publish, work_folder
from lookalike_engine.scan import FoundFile
from lookalike_engine.search import Search
from lookalike_engine.signals import HASH, load_signals
from lookalike_engine.similarity import NEAR_DUPLICATE
from lookalike_engine.uniqueness import uniqueness

DATASET_ID: Final = str(uuid.uuid5(uuid.NAMESPACE_URL, "made up"))
_FOLDERS: Final = 40


def byte_hashes(n: int) -> list[bytes]:
    """Return n distinct digests."""
    return [hashlib.blake2b(image.to_bytes(8, "little"), digest_size=16).digest() for image in range(n)]


def publish_graph(folder: Path, graph: PairGraph, merges: Merges, hashes: list[bytes]) -> None:
    """Publish the graph's images, pairs and merges below `folder`: what an index of such pictures would hold."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(20_000, 5_000_000, graph.n).tolist()
    widths = (rng.integers(3, 60, graph.n) * 100).tolist()
    paths = sorted(
        f"folder {number % _FOLDERS:02}/{number // 1000:04}/IMG_{number:07}.jpg" for number in range(graph.n)
    )
    pictures = [
        Fingerprint(
            FoundFile(path, f"/pictures/{path}", sizes[image], image * 1_000_000_000, (1, image + 1)),
            width=widths[image],
            height=widths[image] * 3 // 4,
            content_hash=hashes[image],
            detail=1.0,
        )
        for image, path in enumerate(paths)
    ]
    signals = load_signals(HASH)
    with work_folder(folder) as work:
        gather(pictures, work, signals.dimension)
        publish(folder, Contents(DATASET_ID, signals, pictures, [], [], []), _comparison(graph, merges), work)


def _comparison(graph: PairGraph, merges: Merges) -> Comparison:
    numbers = np.arange(graph.n, dtype=np.int32)
    nearest, nearest_similarity = _nearest(graph)
    labels = clusters_at(merges, NEAR_DUPLICATE, graph.n)
    calibration = check_calibration(graph.first, graph.second, graph.similarity, labels, floor=FLOOR)
    return Comparison(
        floor=FLOOR,
        search=Search(exact=True, floor_raised=False),
        stretch=Stretch(),
        calibration=calibration.as_json(),
        closest_similarity=float(graph.similarity.max()),
        representative=numbers,
        twin=numbers,
        pair_first=graph.first,
        pair_second=graph.second,
        pair_similarity=graph.similarity,
        pair_orientation=np.random.default_rng(1).integers(0, 8, len(graph.first)).astype(np.uint8),
        merge_first=merges.first,
        merge_second=merges.second,
        merge_similarity=merges.similarity,
        nearest=nearest,
        nearest_similarity=nearest_similarity,
        uniqueness=uniqueness(nearest_similarity),
    )


def _nearest(graph: PairGraph) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the nearest by a pair; a chance one below the floor for an image that has none."""
    rng = np.random.default_rng(2)
    nearest = ((np.arange(graph.n) + rng.integers(1, graph.n, graph.n)) % graph.n).astype(np.int32)
    similarity = rng.uniform(0.3, FLOOR, graph.n)
    backwards = slice(None, None, -1)  # the closest pair comes first, and is to be the last that is written
    for one, other in ((graph.first, graph.second), (graph.second, graph.first)):
        closer = graph.similarity >= similarity[one]
        nearest[one[closer][backwards]] = other[closer][backwards]
        np.maximum.at(similarity, one, graph.similarity)
    return nearest, similarity
