"""This engine on one folder from a cold cache, through the Explore API: the clusters of every page, then the versions.

    python -m benchmarks.engine.ours FOLDER ANSWER SIGNALS SIMILARITY [SIMILARITY …]

The first similarity is what is timed; how long the others took afterwards stands in the answer.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import anyio
from pydantic import TypeAdapter

from lookalike_engine import Engine, EngineSettings, FolderDataset
from lookalike_tools import Dataset, ExploreClient, wait_until_ready
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Cluster

_PAGE = 100
_CLUSTER = TypeAdapter(Cluster)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the answer."""
    folder, answer, signals, *similarities = sys.argv[1:] if arguments is None else arguments
    with tempfile.TemporaryDirectory() as scratch:
        settings = EngineSettings(cache_dir=Path(scratch))
        if signals != getattr(settings, "signals", "hash"):
            if not hasattr(settings, "signals"):
                raise SystemExit(f"this version has no signals but its hash, so not {signals}")
            settings = replace(settings, signals=signals)
        found = anyio.run(_found, Path(folder), settings, [float(value) for value in similarities])
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


async def _found(folder: Path, settings: EngineSettings, similarities: Sequence[float]) -> dict[str, object]:
    engine = Engine([FolderDataset("made", (folder,))], settings)
    try:
        async with ExploreClient.for_app(engine.app) as client:
            (dataset,) = await client.datasets()
            ready = await wait_until_ready(client, dataset, _silent, patience=None)
            timed, *others = similarities
            clusters = await _clusters(client, ready, timed)
            started = time.perf_counter()
            also = {str(value): await _clusters(client, ready, value) for value in others}
            return {
                "clusters": clusters,
                "also": also,
                "also_seconds": time.perf_counter() - started,
                "images": ready.n_images,
                "versions": {"lookalike-mcp": version("lookalike-mcp")},
            }
    finally:
        engine.close()


async def _clusters(client: ExploreClient, dataset: Dataset, similarity: float) -> list[list[str]]:
    wanted = Filter("duplicates", similarity, "IMAGES")
    clusters: list[list[str]] = []
    for number in range(sys.maxsize):
        page = (await client.page(dataset, wanted, number)).clusters
        clusters.extend([await _members(client, dataset, wanted, cluster) for cluster in page])
        if len(page) < _PAGE:
            break
    return clusters


async def _members(client: ExploreClient, dataset: Dataset, wanted: Filter, cluster: Cluster) -> list[str]:
    """All of them; a page of clusters shows the first nine."""
    size = cluster.size("IMAGES")
    names = [preview.path for preview in cluster.previews]
    if len(names) < size:
        names = []
        path = f"/explore/{dataset.id}/similarity_cluster/{cluster.cluster_id}"
        for number in range(-(-size // _PAGE)):
            params = {**wanted.params(), "page_number": str(number)}
            listed = await client.read(_CLUSTER, path, params, "the members of a cluster")
            names.extend(preview.path for preview in listed.previews)
    assert len(names) == size
    return names


async def _silent(done: float, total: float | None, message: str) -> None:
    del done, total, message


if __name__ == "__main__":
    main()
