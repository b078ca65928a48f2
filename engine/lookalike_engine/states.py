"""A dataset as the Explore API describes it."""

import os
from dataclasses import asdict
from typing import Any

from lookalike_engine.library import DatasetState, Status
from lookalike_engine.names import shown


def dataset_json(state: DatasetState) -> dict[str, Any]:
    """Describe a dataset as it stands, from its published snapshot and the run in progress, if any."""
    snapshot = state.snapshot
    return {
        "id": state.id,
        "display_name": shown(state.name),
        "description": "",
        "source_type": "LOCAL",
        "created_at": snapshot.created_at if snapshot else None,
        "status_new": state.status.value,
        "progress": 100 if state.status is Status.READY else 0,
        "n_images": snapshot.image_count if snapshot else 0,
        "n_videos": 0,
        "n_objects": 0,
        "fatal_error_msg": state.error if state.status is Status.ERROR else None,
        "source_dataset_id": None,
        "thresholds": ["0"],
        "size_bytes": snapshot.total_bytes if snapshot else 0,
        "root_path": None if state.root_path is None else shown(os.fspath(state.root_path)),
        "roots": {shown(label): shown(os.fspath(folder)) for label, folder in state.roots},
        "revision": snapshot.revision if snapshot else None,
        "similarity_floor": snapshot.floor if snapshot else None,
        "search": snapshot.search if snapshot else None,
        "signals": list(snapshot.signals) if snapshot else [],
        "stretch": snapshot.stretch._asdict() if snapshot else None,
        "n_uncompared": snapshot.uncompared_count if snapshot else 0,
        "n_skipped": snapshot.skipped_count if snapshot else 0,
        "skipped_reasons": snapshot.skipped_reasons if snapshot else {},
        "skipped": [
            {"file_path": path, "reason": reason} for path, reason in (snapshot.skipped_sample if snapshot else [])
        ],
        "n_aliases": snapshot.alias_count if snapshot else 0,
        "snapshot_created_at": snapshot.created_at if snapshot else None,
        "is_refreshing": snapshot is not None and state.progress is not None,
        "refresh_error": state.error if snapshot else None,
        "indexing": None if state.progress is None else asdict(state.progress),
        "calibration": snapshot.calibration if snapshot else None,
    }
