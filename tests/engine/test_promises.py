"""What is promised of clusters, kept by a real index of rendered pictures and asked for over the Explore API."""

import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from lookalike_engine import Engine, EngineSettings, FolderDataset
from lookalike_engine.kinship import Kinship
from lookalike_engine.orientation import relation
from lookalike_engine.snapshot import Snapshot, current_snapshot
from tests.pictures import jpeg_bytes, scene

NAMESPACE = uuid.UUID("0b8d5f86-64c1-5c0e-8a4b-5b2f2f6f6c1e")
THRESHOLDS = (1.0, 0.999, 0.99, 0.97, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
LOW = 0.8
UNIQUENESS = (0.1, 0.3, 0.5, 0.7)
SIZE = (240, 180)

Answer = list[dict[str, Any]]


def edits(picture: Image.Image) -> dict[str, bytes]:
    """Encode a picture and what people make of it: copies, and ever further away, crops, tones and turns."""
    width, height = picture.size
    made = {"original": jpeg_bytes(picture), "copy": jpeg_bytes(picture), "captioned": jpeg_bytes(picture, comment="!")}
    made |= {f"quality {quality}": jpeg_bytes(picture, quality) for quality in (75, 40, 15)}
    for percent in (1, 2, 4, 6, 8, 11):
        x, y = width * percent // 100, height * percent // 100
        made[f"cropped {percent}"] = jpeg_bytes(picture.crop((x, y, width - x, height - y)))
        made[f"cut {percent}"] = jpeg_bytes(picture.crop((0, 0, width - 2 * x, height)))
    for factor in (0.6, 0.8, 1.3):
        made[f"brightness {factor}"] = jpeg_bytes(ImageEnhance.Brightness(picture).enhance(factor))
    made["half"] = jpeg_bytes(picture.resize((width // 2, height // 2)))
    made["blurred"] = jpeg_bytes(picture.filter(ImageFilter.GaussianBlur(2)))
    made["mirrored"] = jpeg_bytes(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    made["turned"] = jpeg_bytes(picture.rotate(3, expand=False))
    return made


@dataclass(frozen=True)
class Indexed:
    """An index, and what the Explore API answers from it at each threshold."""

    snapshot: Snapshot
    answers: dict[float, Answer]
    of_the_unlike: dict[float, Answer]
    """At each uniqueness: the clusters, at `LOW`, of the images that have it."""

    @property
    def similarities(self) -> NDArray[np.float64]:
        """Of every two images whose pair was kept (n, n), that of their exact copies and twins too; 0 for the rest."""
        snapshot, n = self.snapshot, self.snapshot.image_count
        kept = np.zeros((n, n))
        kept[snapshot.pair_first, snapshot.pair_second] = snapshot.pair_similarity
        kept[snapshot.pair_second, snapshot.pair_first] = snapshot.pair_similarity
        table = kept[np.ix_(snapshot.twin, snapshot.twin)]
        table[snapshot.twin[:, None] == snapshot.twin] = 0.999
        table[snapshot.representative[:, None] == snapshot.representative] = 1.0
        return table

    def members(self, cluster: dict[str, Any]) -> list[int]:
        """Return the numbers of a cluster's images; every cluster of these pictures fits on one page of members."""
        number = {media_id: image for image, media_id in enumerate(self.snapshot.media_ids())}
        return [number[preview["media_id"]] for preview in cluster["previews"]]

    def clusters(self, threshold: float) -> list[frozenset[int]]:
        return [frozenset(self.members(cluster)) for cluster in self.answers[threshold]]

    def contents(self, threshold: float) -> list[tuple[str, ...]]:
        """Return the byte hashes in each cluster, whatever the files are called."""
        members = [cluster["previews"] for cluster in self.answers[threshold]]
        return sorted(tuple(sorted(preview["content_hash"] for preview in previews)) for previews in members)


def indexed(folder: Path, cache: Path) -> Indexed:
    """Index a folder, ask for all clusters at each threshold and for all members of each."""
    engine = Engine([FolderDataset("pictures", (folder,))], EngineSettings(cache_dir=cache))

    async def ask() -> tuple[str, dict[float, Answer], dict[float, Answer]]:
        transport = httpx.ASGITransport(engine.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lookalike.invalid/api/v1") as client:
            (dataset,) = (await client.get("/datasets")).json()
            explore = f"/explore/{dataset['id']}"
            return (
                dataset["id"],
                {each: await _all_clusters(client, explore, {"duplicates": each}) for each in THRESHOLDS},
                {
                    each: await _all_clusters(client, explore, {"duplicates": LOW, "uniqueness": each})
                    for each in UNIQUENESS
                },
            )

    try:
        identifier, *answers = anyio.run(ask)
    finally:
        engine.close()
    snapshot = current_snapshot(cache / identifier)
    assert snapshot is not None
    return Indexed(snapshot, *answers)


async def _all_clusters(client: httpx.AsyncClient, explore: str, filters: dict[str, float]) -> Answer:
    asked = {"vql": json.dumps([{name: {"op": name, "value": value}} for name, value in filters.items()])}
    page = await client.get(explore, params=asked)
    assert page.status_code == 200, page.text
    shown = page.json()["clusters"]
    assert len(shown) < 100
    whole = [await client.get(f"{explore}/similarity_cluster/{each['cluster_id']}", params=asked) for each in shown]
    return [response.json() for response in whole]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("promises") / "pictures"
    folder.mkdir()
    for seed in range(4):
        for name, content in edits(scene(seed, SIZE)).items():
            (folder / f"{seed} {name}.jpg").write_bytes(content)
    for share in (0.2, 0.4, 0.5, 0.6, 0.8):  # from one scene to another, step by step
        blend = Image.blend(scene(0, SIZE), scene(1, SIZE), share)
        (folder / f"blend {share}.jpg").write_bytes(jpeg_bytes(blend))
    return folder


@pytest.fixture(scope="module")
def index(folder: Path) -> Indexed:
    return indexed(folder, folder.parent / "cache")


def test_the_pictures_are_clustered_otherwise_at_every_other_threshold(index: Indexed) -> None:
    different: Sequence[set[frozenset[int]]] = [set(index.clusters(threshold)) for threshold in THRESHOLDS]
    assert sum(one != other for one, other in pairwise(different)) >= 5
    assert any(len(cluster) > 5 for cluster in different[-1])


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_lowest_pair_in_every_cluster_reaches_the_threshold_and_is_the_one_told(
    index: Indexed, threshold: float
) -> None:
    table = index.similarities
    for cluster in index.answers[threshold]:
        lowest = min(table[pair] for pair in combinations(index.members(cluster), 2))
        assert lowest == cluster["lowest_similarity"] >= threshold
        assert cluster["exact"] == (lowest == 1.0)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_no_two_clusters_could_be_one(index: Indexed, threshold: float) -> None:
    table = index.similarities
    clusters = index.clusters(threshold)
    clustered = frozenset().union(*clusters)
    alone = [frozenset([image]) for image in range(index.snapshot.image_count) if image not in clustered]
    for a, b in combinations([*clusters, *alone], 2):
        assert table[np.ix_(list(a), list(b))].min() < threshold


def test_no_image_is_in_two_clusters(index: Indexed) -> None:
    for threshold in THRESHOLDS:
        images = [image for cluster in index.clusters(threshold) for image in cluster]
        assert len(images) == len(set(images))


def test_clusters_only_grow_as_the_threshold_falls(index: Indexed) -> None:
    for higher, lower in pairwise(THRESHOLDS):
        coarse = index.clusters(lower)
        assert all(any(fine <= cluster for cluster in coarse) for fine in index.clusters(higher))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_clusters_are_named_after_their_members_and_shown_largest_first_then_by_name(
    index: Indexed, threshold: float
) -> None:
    answer = index.answers[threshold]
    for cluster in answer:
        names = "\n".join(sorted(preview["media_id"] for preview in cluster["previews"]))
        assert cluster["cluster_id"] == str(uuid.uuid5(NAMESPACE, names))
        assert cluster["n_images"] == len(cluster["previews"])
        assert cluster["cluster_id"].startswith(cluster["short_id"])
        assert len(cluster["short_id"]) >= 8
        assert sum(other["cluster_id"].startswith(cluster["short_id"]) for other in answer) == 1
    order = [(-cluster["n_images"], cluster["cluster_id"]) for cluster in answer]
    assert order == sorted(order)


@pytest.mark.parametrize("uniqueness", UNIQUENESS)
def test_what_is_left_of_clusters_is_told_as_that_of_whole_ones_is(index: Indexed, uniqueness: float) -> None:
    table, sizes = index.similarities, index.snapshot.file_size
    unlike = frozenset(np.flatnonzero(index.snapshot.uniqueness >= uniqueness).tolist())
    left = {cluster & unlike for cluster in index.clusters(LOW)}
    answer = index.of_the_unlike[uniqueness]
    assert {frozenset(index.members(cluster)) for cluster in answer} == {part for part in left if len(part) > 1}
    for cluster in answer:
        members = index.members(cluster)
        lowest = min(table[pair] for pair in combinations(members, 2))
        assert (cluster["lowest_similarity"], cluster["exact"]) == (lowest, lowest == 1.0)
        assert cluster["removable_bytes"] == sum(sizes[members[1:]])
        names = "\n".join(sorted(preview["media_id"] for preview in cluster["previews"]))
        assert cluster["cluster_id"] == str(uuid.uuid5(NAMESPACE, names))


def test_removable_bytes_are_those_of_all_but_the_keeper(index: Indexed) -> None:
    for threshold in THRESHOLDS:
        for cluster in index.answers[threshold]:
            assert cluster["removable_bytes"] == sum(index.snapshot.file_size[index.members(cluster)[1:]])


def test_how_two_images_are_turned_is_found_for_every_pair_and_for_no_other(index: Indexed) -> None:
    snapshot, kinship = index.snapshot, Kinship(index.snapshot)
    expected = [relation(turn) for turn in snapshot.pair_orientation.tolist()]
    assert {"same", "mirrored"} <= set(expected)
    assert kinship.relations(snapshot.pair_first, snapshot.pair_second) == expected
    assert kinship.relations(snapshot.pair_second, snapshot.pair_first) == expected
    for one, other in np.argwhere(index.similarities == 0).tolist():
        with pytest.raises(LookupError):
            kinship.relations(np.array([one]), np.array([other]))


def test_other_names_for_the_same_files_change_no_cluster(index: Indexed, folder: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for number, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        shutil.copyfile(path, renamed / f"{number:03}.jpg")
    other = indexed(renamed, tmp_path / "cache")
    for threshold in THRESHOLDS:
        assert other.contents(threshold) == index.contents(threshold)
