"""Pages of clusters as the Explore API shows them."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lookalike_engine.catalogue import Catalogue
from lookalike_engine.clusters import Clusters
from lookalike_engine.keeper import reason

if TYPE_CHECKING:
    from lookalike_engine.snapshot import ImageRow

PAGE_SIZE: Final = 100
"""Clusters on a page of a dataset, and previews on a page of one cluster."""
SAMPLE: Final = 9
"""Previews of a cluster on a page of clusters."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def page_of_clusters(catalogue: Catalogue, clusters: Clusters, page_number: int) -> list[dict[str, Any]]:
    """Return one page of clusters, each with its best members; empty past the end."""
    start = page_number * PAGE_SIZE
    chosen = range(start, min(start + PAGE_SIZE, len(clusters.ids)))
    return _with_previews(catalogue, clusters, [(place, 0, SAMPLE) for place in chosen])


def page_of_members(
    catalogue: Catalogue, clusters: Clusters, cluster_id: str, page_number: int
) -> dict[str, Any] | None:
    """Return one cluster with one page of its members; None past the end and for an unknown cluster."""
    try:
        place = clusters.ids.index(cluster_id)
    except ValueError:
        return None
    start = page_number * PAGE_SIZE
    if start >= clusters.sizes[place]:
        return None
    return _with_previews(catalogue, clusters, [(place, start, start + PAGE_SIZE)])[0]


def image_json(dataset_id: str, row: "ImageRow") -> dict[str, Any]:
    """Return what an image's preview says of the image alone."""
    path = row.file_path
    return {
        "type": "IMAGE",
        "media_id": row.media_id,
        "media_uri": Path(row.absolute_path).as_uri(),
        "media_thumb_uri": f"/api/v1/thumbnail/{dataset_id}/{row.media_id}",
        "file_name": path.rpartition("/")[2],
        "width": row.width,
        "height": row.height,
        "file_path": path,
        "file_size": row.file_size,
        "modified_at": (_EPOCH + timedelta(microseconds=row.modified_ns // 1000)).isoformat(),
        "content_hash": row.content_hash,
    }


def _with_previews(
    catalogue: Catalogue, clusters: Clusters, wanted: Iterable[tuple[int, int, int]]
) -> list[dict[str, Any]]:
    """Return clusters with some of their previews each: (cluster, first rank, end)."""
    chosen = [(place, start, clusters.members(place)[start:end].tolist()) for place, start, end in wanted]
    images = {image for _, _, members in chosen for image in members}
    nearest = {int(catalogue.snapshot.nearest[image]) for image in images} - {-1}
    rows = {row.index: row for row in catalogue.snapshot.rows(sorted(images | nearest))}
    return [
        _cluster(catalogue, clusters, place)
        | {
            "previews": [
                _preview(catalogue, rows, image, int(clusters.members(place)[0]), rank)
                for rank, image in enumerate(members, start)
            ]
        }
        for place, start, members in chosen
    ]


def _cluster(catalogue: Catalogue, clusters: Clusters, place: int) -> dict[str, Any]:
    members = clusters.members(place)
    exact = bool(clusters.exact[place])
    cluster: dict[str, Any] = {
        "cluster_id": clusters.ids[place],
        "short_id": clusters.short_ids[place],
        "type": "IMAGES",
        "n_images": len(members),
        "similarity_threshold": "0",
        "relevance_score": None,
        "labels": None,
        "user_tags": None,
        "exact": exact,
        "removable_bytes": int(clusters.removable_bytes[place]),
    }
    if len(members) > 1:
        cluster["lowest_similarity"] = float(clusters.lowest_similarity[place])
        cluster["keeper_reason"] = reason(catalogue.traits, int(members[0]), int(members[1]), exact=exact)
    return cluster


def _preview(catalogue: Catalogue, rows: "dict[int, ImageRow]", image: int, keeper: int, rank: int) -> dict[str, Any]:
    snapshot = catalogue.snapshot
    preview = image_json(catalogue.dataset_id, rows[image]) | {"keeper_rank": rank}
    uniqueness = float(snapshot.uniqueness[image])
    if not math.isnan(uniqueness):
        preview["uniqueness"] = uniqueness
    if image != keeper:
        preview["relation"] = catalogue.kinship.relation(keeper, image)
        preview["exact_copy"] = catalogue.kinship.exact(keeper, image)
    nearest = int(snapshot.nearest[image])
    if nearest >= 0:
        preview["nearest_file_path"] = rows[nearest].file_path
        preview["nearest_similarity"] = float(snapshot.nearest_similarity[image])
    return preview
