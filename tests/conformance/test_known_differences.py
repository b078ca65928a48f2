"""What the backends do where the contract's tests are known to fail on them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.backends import CROWD_COPIES, Explore, documented_cloud, old_on_premises, on
from tests.conformance.known_differences import KNOWN_DIFFERENCES, without_backend
from tests.conformance.known_sets import BEACH_TAG

pytestmark = pytest.mark.anyio

DUPLICATES = [{"duplicates": {"op": "duplicates", "value": 0.95}}]
IN_THE_CLOUD = on(documented_cloud)
ON_PREMISES = on(old_on_premises)


def names(clusters: list[dict[str, Any]]) -> set[frozenset[str]]:
    return {frozenset(preview["file_name"] for preview in cluster["previews"]) for cluster in clusters}


def test_every_known_difference_is_about_a_test_of_the_contract() -> None:
    suite = str(Path(__file__).with_name("test_explore_contract.py"))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", suite]
    listed = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    collected = [line.partition("::")[2] for line in listed.stdout.splitlines() if "::" in line]
    for backend, differences in KNOWN_DIFFERENCES.items():
        here = {without_backend(name, backend) for name in collected if backend in name}
        assert here
        assert set(differences) <= here | {name.partition("[")[0] for name in here}


@IN_THE_CLOUD
async def test_equally_large_clusters_of_the_cloud_come_by_id(explore: Explore) -> None:
    found = await explore.clusters(explore.mixed, vql=[{"uniqueness": {"op": "uniqueness", "value": 0.0}}])
    fewer = await explore.clusters(explore.mixed, vql=[{"uniqueness": {"op": "uniqueness", "value": 0.5}}])
    ids = [cluster["cluster_id"] for cluster in found]
    assert ids == sorted(ids)
    assert 0 < len(fewer) < len(found)
    assert {cluster["cluster_id"] for cluster in fewer} < set(ids)


@IN_THE_CLOUD
async def test_no_copy_in_the_cloud_scores_above_0(explore: Explore) -> None:
    both = [*DUPLICATES, {"uniqueness": {"op": "uniqueness", "value": 0.0}}]
    assert await explore.clusters(explore.mixed, vql=both) == []


@IN_THE_CLOUD
async def test_previews_of_the_cloud_have_both_sizes_or_none(explore: Explore) -> None:
    previews = [it for cluster in await explore.clusters(explore.mixed) for it in cluster["previews"]]
    sized = [it for it in previews if "width" in it]
    assert all(("width" in it) == ("height" in it) for it in previews)
    assert len(previews) / 4 < len(sized) < len(previews) * 3 / 4


@IN_THE_CLOUD
@pytest.mark.parametrize("path", ["/healthcheck", "/explore/{}/similarity_cluster/x"])
async def test_the_cloud_lacks_the_calls_that_are_not_documented(explore: Explore, path: str) -> None:
    response = await explore.get(path.format(explore.mixed))
    assert (response.status_code, type(response.json()["detail"])) == (404, str)


@IN_THE_CLOUD
@pytest.mark.parametrize("level", [2, 3, 4])
async def test_a_level_that_the_cloud_lacks_has_no_clusters(explore: Explore, level: int) -> None:
    assert await explore.clusters(explore.mixed, threshold=str(level)) == []
    assert (await explore.ok(f"/explore/{explore.mixed}/exploration_metadata", threshold=level))["cluster_count"] == 0


@IN_THE_CLOUD
@pytest.mark.parametrize(
    "other",
    [
        {"labels": {"op": "one_of", "value": ["beach", "cat"]}},
        {"tags": {"op": "is", "value": [BEACH_TAG]}},
        {"text": {"op": "fts", "value": "beach"}},
    ],
)
async def test_the_other_filters_of_the_cloud_are_anded_too(explore: Explore, other: dict[str, Any]) -> None:
    beach = {path.rpartition("/")[2] for path in explore.pictures.truth.images if "beach" in path}
    (alone,) = await explore.clusters(explore.mixed, vql=[other])
    (both,) = await explore.clusters(explore.mixed, vql=[*DUPLICATES, other])
    assert names([alone]) == names([both]) == {frozenset(beach)}
    assert alone["cluster_id"] in {cluster["cluster_id"] for cluster in await explore.clusters(explore.mixed)}


@IN_THE_CLOUD
@pytest.mark.parametrize("name", ["issues", "text", "no such filter"])
async def test_a_filter_that_the_cloud_cannot_apply_is_refused_with_a_list(explore: Explore, name: str) -> None:
    response = await explore.get(f"/explore/{explore.mixed}", vql=[{name: {"op": "semantic", "value": "blur"}}])
    (error,) = response.json()["detail"]
    assert (response.status_code, error["loc"]) == (422, ["query", "vql"])


@IN_THE_CLOUD
async def test_the_cloud_asks_for_a_token(explore: Explore) -> None:
    for path in ("/datasets", f"/dataset/{explore.mixed}", f"/explore/{explore.mixed}"):
        response = await explore.client.get(path, headers={"authorization": "Bearer nonsense"})
        assert (response.status_code, type(response.json()["detail"])) == (401, str)


@IN_THE_CLOUD
async def test_the_cloud_asks_for_the_entity_type(explore: Explore) -> None:
    url = explore.client.base_url.join(f"explore/{explore.mixed}")
    async with httpx.AsyncClient(headers={"authorization": explore.client.headers["authorization"]}) as client:
        response = await client.get(url)
    (error,) = response.json()["detail"]
    assert (response.status_code, error["loc"]) == (422, ["query", "entity_type"])


@IN_THE_CLOUD
async def test_the_cloud_has_objects_on_its_images(explore: Explore) -> None:
    (faces,) = await explore.clusters(explore.mixed, vql=DUPLICATES, entity_type="OBJECTS")
    assert (faces["n_objects"], faces["n_images"], len(faces["previews"])) == (3, 2, 3)
    assert all(len(preview["bounding_box"]) == 4 for preview in faces["previews"])
    assert await explore.clusters(explore.crowd, vql=DUPLICATES, entity_type="OBJECTS") == []


@ON_PREMISES
@pytest.mark.parametrize(
    "parameters",
    [
        {"vql": DUPLICATES},
        {"vql": [{"uniqueness": {"op": "uniqueness", "value": 0.9}}]},
        {"vql": [{"labels": {"op": "one_of", "value": ["cat"]}}]},
        {"vql": "not JSON"},
        {"duplicate_threshold": "0.95"},
        {"duplicate_threshold": "1.5"},
    ],
)
async def test_the_old_build_answers_every_filter_with_all_clusters(
    explore: Explore, parameters: dict[str, Any]
) -> None:
    everything = await explore.clusters(explore.mixed)
    assert await explore.clusters(explore.mixed, **parameters) == everything
    assert names(everything) != {
        frozenset(path.rpartition("/")[2] for path in cluster) for cluster in explore.pictures.truth.clusters
    }


@ON_PREMISES
@pytest.mark.parametrize(
    "parameters",
    [{"page_number": "-1"}, {"page_number": "one"}, {"threshold": "0.95"}, {"entity_type": "SOUNDS"}],
)
async def test_the_old_build_fails_where_it_should_refuse(explore: Explore, parameters: dict[str, str]) -> None:
    response = await explore.get(f"/explore/{explore.mixed}", **parameters)
    assert (response.status_code, type(response.json()["detail"])) == (500, str)


@ON_PREMISES
async def test_the_old_build_fails_at_an_id_that_is_none(explore: Explore) -> None:
    assert (await explore.get("/explore/nonsense")).status_code == 500


@ON_PREMISES
async def test_a_level_that_the_old_build_lacks_has_no_clusters(explore: Explore) -> None:
    levels = [len(await explore.clusters(explore.mixed, threshold=str(level))) for level in range(5)]
    assert 0 < levels[0] < levels[1]
    assert levels[2:] == [0, 0, 0]


@ON_PREMISES
async def test_a_cluster_of_the_old_build_ends_with_null(explore: Explore) -> None:
    (largest, *_) = await explore.clusters(explore.crowd)
    path = f"/explore/{explore.crowd}/similarity_cluster/{largest['cluster_id']}"
    pages = [await explore.ok(path, page_number=page) for page in range(3)]
    assert [page and len(page["previews"]) for page in pages] == [100, CROWD_COPIES - 100, None]


@ON_PREMISES
async def test_the_old_build_counts_in_the_older_form(explore: Explore) -> None:
    counted = await explore.ok(f"/explore/{explore.mixed}/exploration_metadata", vql=DUPLICATES)
    clusters = await explore.clusters(explore.mixed)
    assert counted == {"clusters_count": len(clusters), "media_count": len(explore.pictures.truth.images)}


@ON_PREMISES
async def test_a_dataset_of_the_old_build_has_levels_bytes_and_the_older_status(explore: Explore) -> None:
    dataset = await explore.ok(f"/dataset/{explore.mixed}")
    assert (dataset["status"], dataset["thresholds"]) == ("READY", ["0", "1"])
    assert dataset["size_bytes"] > 0
    assert "status_new" not in dataset


@ON_PREMISES
async def test_a_page_of_the_old_build_is_compressed_and_sets_a_session(explore: Explore) -> None:
    response = await explore.get(f"/explore/{explore.mixed}")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "max-age=3600"
    assert "SESSION" in response.cookies


@ON_PREMISES
async def test_a_cluster_of_the_old_build_is_described_in_the_older_way(explore: Explore) -> None:
    page = await explore.ok(f"/explore/{explore.mixed}")
    assert set(page) == {"clusters"}
    for cluster in page["clusters"]:
        assert (cluster["n_objects"], cluster["n_videos"], cluster["n_frames"]) == (-1, -1, -1)
        assert all(preview["media_thumb_uri"].startswith("/thumbs/") for preview in cluster["previews"])
    labels = [cluster["labels"] for cluster in page["clusters"]]
    assert any(counts.get("beach") == 5 for counts in labels)
