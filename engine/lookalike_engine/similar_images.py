"""The answer about one picture: which images of a dataset are alike to it."""

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

import numpy as np

from lookalike_engine.anchors import AnchorError, AnchorRefusal, read_anchor
from lookalike_engine.catalogue import Catalogue
from lookalike_engine.checking import Check, check
from lookalike_engine.dataset import EngineSettings
from lookalike_engine.fingerprinting import pixel_hash_of
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.orientation import relation
from lookalike_engine.pages import PAGE_SIZE, image_json
from lookalike_engine.signals import load_signals
from lookalike_engine.vql import AnchorQuestion

_IN_NONE: Final = {"cluster_id": None, "short_id": None}


def similar_images(
    catalogue: Catalogue, question: AnchorQuestion, folders: Sequence[Path], settings: EngineSettings
) -> dict[str, Any]:
    """Compare the picture that the question names with all images of the dataset.

    `folders` are the dataset's. A picture that cannot be compared is answered with the refusal alone.
    """
    signals = load_signals(settings.signals)
    try:
        picture, itself = _picture(catalogue, question, folders, settings)
    except AnchorError as error:
        return {"anchor": {"refusal": error.refusal.value}, "n_images": 0, "n_exact": 0, "images": [], "nearest": None}
    snapshot = catalogue.snapshot

    def pixel_hash(image: int | None) -> bytes | None:
        if image is None:
            return pixel_hash_of(picture.file, settings)
        file = snapshot.rows([image])[0].file
        return pixel_hash_of(file, settings) if os.path.realpath(file.absolute) == file.absolute else None

    found = check(catalogue.known_images, picture, signals.scale.stretched(*snapshot.stretch), pixel_hash, itself)
    alike = found.at_or_above(question.similarity)
    start = question.page_number * PAGE_SIZE
    page = alike[start : start + PAGE_SIZE]
    wanted = {image for image in (*page, found.nearest, itself) if image is not None}
    rows = {row.index: row for row in snapshot.rows(sorted(wanted))}
    clusters = _clusters(catalogue, question, wanted)

    def shown(image: int) -> dict[str, Any]:
        return image_json(catalogue.dataset_id, rows[image]) | _relation(found, image) | clusters.get(image, _IN_NONE)

    return {
        "anchor": {
            "refusal": None,
            "width": picture.width,
            "height": picture.height,
            "file_size": picture.file.size,
            "content_hash": picture.content_hash.hex(),
            "compared": found.compared,
            "file_path": None if itself is None else rows[itself].file_path,
        },
        "n_images": len(alike),
        "n_exact": int(found.exact[alike].sum()),
        "images": [shown(image) for image in page],
        "nearest": None if found.nearest is None else shown(found.nearest),
    }


def _picture(
    catalogue: Catalogue, question: AnchorQuestion, folders: Sequence[Path], settings: EngineSettings
) -> tuple[Fingerprint, int | None]:
    """Return the picture, and which image of the dataset it is, if any."""
    snapshot = catalogue.snapshot
    if question.file is not None:
        picture = read_anchor(question.file, folders, settings)
        return picture, snapshot.image_of(picture.file)
    image = None if question.image is None else snapshot.image_called(question.image)
    if image is None:
        raise AnchorError(AnchorRefusal.NO_IMAGE)
    return catalogue.known_images.fingerprint(snapshot.rows([image])[0]), image


def _clusters(catalogue: Catalogue, question: AnchorQuestion, images: AbstractSet[int]) -> dict[int, dict[str, Any]]:
    """Return the cluster of each of these images that is in one, at the question's similarity."""
    clusters = catalogue.clusters(question.filters)
    members, places = clusters.members()
    chosen = np.flatnonzero(np.isin(members, sorted(images)))
    found = zip(members[chosen].tolist(), (clusters[place] for place in places[chosen].tolist()), strict=True)
    return {image: {"cluster_id": cluster.id, "short_id": cluster.short_id} for image, cluster in found}


def _relation(found: Check, image: int) -> dict[str, Any]:
    return {
        "similarity": float(found.similarity[image]),
        "exact_copy": bool(found.exact[image]),
        "relation": relation(int(found.orientation[image])),
    }
