"""Pages of clusters as the Explore API shows them."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lookalike_engine.catalogue import Catalogue
from lookalike_engine.clusters import Cluster, Clusters
from lookalike_engine.keeper import reason
from lookalike_engine.orientation import Relation

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
    shown = [clusters[place] for place in range(start, min(start + PAGE_SIZE, len(clusters)))]
    return _with_previews(catalogue, shown, 0, SAMPLE)


def page_of_members(
    catalogue: Catalogue, clusters: Clusters, cluster_id: str, page_number: int
) -> dict[str, Any] | None:
    """Return one cluster with one page of its members; None past the end and for an unknown cluster."""
    start = page_number * PAGE_SIZE
    cluster = clusters.find(cluster_id)
    if cluster is None or start >= len(cluster.images):
        return None
    return _with_previews(catalogue, [cluster], start, start + PAGE_SIZE)[0]


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


def _with_previews(catalogue: Catalogue, shown: Sequence[Cluster], start: int, end: int) -> list[dict[str, Any]]:
    """Return clusters with those of their previews whose rank is in `start`..`end` - 1."""
    members = [cluster.images[start:end].tolist() for cluster in shown]
    images = np.array([image for chosen in members for image in chosen], dtype=np.int64)
    keepers = np.repeat(
        np.array([cluster.images[0] for cluster in shown], dtype=np.int64), [len(chosen) for chosen in members]
    )
    nearest = catalogue.snapshot.nearest[images]
    rows = {row.index: row for row in catalogue.snapshot.rows(np.union1d(images, nearest[nearest >= 0]).tolist())}
    relations = iter(catalogue.kinship.relations(keepers, images))
    return [
        _cluster(catalogue, cluster)
        | {
            "previews": [
                _preview(catalogue, rows, image, rank) | _kin(catalogue, int(cluster.images[0]), image, next(relations))
                for rank, image in enumerate(chosen, start)
            ]
        }
        for cluster, chosen in zip(shown, members, strict=True)
    ]


def _cluster(catalogue: Catalogue, cluster: Cluster) -> dict[str, Any]:
    members = cluster.images
    described: dict[str, Any] = {
        "cluster_id": cluster.id,
        "short_id": cluster.short_id,
        "type": "IMAGES",
        "n_images": len(members),
        "similarity_threshold": "0",
        "relevance_score": None,
        "labels": None,
        "user_tags": None,
        "exact": cluster.exact,
        "removable_bytes": cluster.removable_bytes,
    }
    if len(members) > 1:
        described["lowest_similarity"] = cluster.lowest_similarity
        described["keeper_reason"] = reason(catalogue.traits, int(members[0]), int(members[1]), exact=cluster.exact)
    return described


def _preview(catalogue: Catalogue, rows: "dict[int, ImageRow]", image: int, rank: int) -> dict[str, Any]:
    snapshot = catalogue.snapshot
    preview = image_json(catalogue.dataset_id, rows[image]) | {"keeper_rank": rank}
    uniqueness = float(snapshot.uniqueness[image])
    if not math.isnan(uniqueness):
        preview["uniqueness"] = uniqueness
    nearest = int(snapshot.nearest[image])
    if nearest >= 0:
        preview["nearest_file_path"] = rows[nearest].file_path
        preview["nearest_similarity"] = float(snapshot.nearest_similarity[image])
    return preview


def _kin(catalogue: Catalogue, keeper: int, image: int, relation: Relation) -> dict[str, Any]:
    if image == keeper:
        return {}
    return {"relation": relation, "exact_copy": catalogue.kinship.exact(keeper, image)}
