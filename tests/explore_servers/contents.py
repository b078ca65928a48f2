"""Datasets, previews and clusters as Explore servers send them."""

import uuid
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def dataset(identifier: str, name: str, **extra: Any) -> Json:
    """A dataset as the documented cloud sends it."""
    return {
        "id": identifier,
        "display_name": name,
        "description": "",
        "source_type": "BUCKET",
        "created_at": "2025-11-02T09:30:00Z",
        "status_new": "READY",
        "progress": 100,
        "n_images": 0,
        "n_videos": 0,
        "n_objects": 0,
        "fatal_error_msg": None,
        "source_dataset_id": None,
        **extra,
    }


def image(name: str, **extra: Any) -> Json:
    """A preview as the documented cloud sends it."""
    return {
        "type": "IMAGE",
        "media_id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "media_uri": f"https://pictures.example/{name}",
        "media_thumb_uri": f"/thumbs/{name}",
        "file_name": name.rsplit("/", 1)[-1],
        **extra,
    }


def cluster(images: Sequence[Json], n: int | None = None, **extra: Any) -> Json:
    """A cluster of `n` images, of which at most nine are previews."""
    key = "|".join(str(preview["media_id"]) for preview in images) + str(n)
    return {
        "cluster_id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
        "type": "IMAGES",
        "n_images": len(images) if n is None else n,
        "similarity_threshold": "0",
        "relevance_score": None,
        "previews": list(images[:9]),
        "labels": None,
        "user_tags": None,
        **extra,
    }


def copies(name: str, n: int = 2, **extra: Any) -> Json:
    """A cluster of `n` copies of one picture, with sizes."""
    images = [image(f"{name}-{i}.jpg", width=100 * (n - i), height=100 * (n - i)) for i in range(min(n, 9))]
    return cluster(images, n, **extra)


def single(name: str, **extra: Any) -> Json:
    """A cluster of one."""
    return cluster([image(f"{name}.jpg", **extra)])


def engine_copies(paths: Sequence[str], *, exact: bool = False, reason: str = "most_pixels", **extra: Any) -> Json:
    """A cluster as the engine sends it, the first path its keeper."""
    images = [
        image(
            path,
            file_path=path,
            width=4032 // (rank + 1),
            height=3024,
            keeper_rank=rank,
            file_size=1000,
            **({"relation": "mirrored_rotated" if rank == 2 else "same"} if rank else {}),
        )
        for rank, path in enumerate(paths)
    ]
    made = cluster(images, exact=exact, lowest_similarity=1.0 if exact else 0.9687, keeper_reason=reason, **extra)
    return {**made, "short_id": made["cluster_id"][:8]}
