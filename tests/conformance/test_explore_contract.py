"""The Explore contract: what every server that speaks it must answer."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.conformance.backends import CROWD_COPIES, CROWD_SINGLES, ENGINES, STAND_INS, Explore, on

pytestmark = [pytest.mark.anyio, on(*ENGINES, *STAND_INS)]

STATUSES = {"DRAFT", "INDEXING", "READY", "READ ONLY", "PARTIAL INDEX", "ERROR"}
NOWHERE = "00000000-0000-4000-8000-000000000000"


def duplicates(similarity: float) -> dict[str, Any]:
    return {"duplicates": {"op": "duplicates", "value": similarity}}


def unique(uniqueness: float) -> dict[str, Any]:
    return {"uniqueness": {"op": "uniqueness", "value": uniqueness}}


def names(cluster: dict[str, Any]) -> frozenset[str]:
    return frozenset(preview["file_name"] for preview in cluster["previews"])


def base_names(paths: frozenset[str]) -> frozenset[str]:
    return frozenset(path.rpartition("/")[2] for path in paths)


async def test_every_dataset_is_listed_with_its_id_name_and_status(explore: Explore) -> None:
    listed = await explore.ok("/datasets")
    assert {dataset["display_name"] for dataset in listed} >= {"mixed", "crowd"}
    for dataset in listed:
        assert str(uuid.UUID(dataset["id"])) == dataset["id"]
        assert dataset["status_new"] in STATUSES


async def test_an_indexed_dataset_is_ready_and_counts_its_images(explore: Explore) -> None:
    await explore.ok(f"/explore/{explore.mixed}")
    dataset = await explore.ok(f"/dataset/{explore.mixed}")
    assert dataset["status_new"] == "READY"
    assert (dataset["id"], dataset["display_name"]) == (explore.mixed, "mixed")
    assert dataset["n_images"] == len(explore.pictures.truth.images)


async def test_the_duplicates_filter_gives_the_clusters_of_copies_and_no_others(explore: Explore) -> None:
    clusters = await explore.clusters(explore.mixed, vql=[duplicates(0.95)])
    assert {names(cluster) for cluster in clusters} == {
        base_names(cluster) for cluster in explore.pictures.truth.clusters
    }
    assert sorted(cluster["n_images"] for cluster in clusters) == sorted(map(len, explore.pictures.truth.clusters))


async def test_duplicate_threshold_answers_what_the_duplicates_filter_does(explore: Explore) -> None:
    by_filter = await explore.clusters(explore.mixed, vql=[duplicates(0.95)])
    assert await explore.clusters(explore.mixed, duplicate_threshold="0.95") == by_filter


async def test_a_stricter_similarity_splits_clusters_and_never_joins_them(explore: Explore) -> None:
    loose = [names(cluster) for cluster in await explore.clusters(explore.mixed, vql=[duplicates(0.90)])]
    strict = [names(cluster) for cluster in await explore.clusters(explore.mixed, vql=[duplicates(0.995)])]
    assert strict
    assert all(any(fine <= coarse for coarse in loose) for fine in strict)


async def test_unique_images_come_one_by_one_and_have_no_copy(explore: Explore) -> None:
    clusters = await explore.clusters(explore.mixed, vql=[unique(0.0)])
    assert {name for cluster in clusters for name in names(cluster)} == base_names(explore.pictures.truth.singles)
    assert {cluster["n_images"] for cluster in clusters} == {1}


async def test_a_higher_uniqueness_leaves_fewer_images(explore: Explore) -> None:
    all_of_them = await explore.clusters(explore.mixed, vql=[unique(0.0)])
    most_unique = await explore.clusters(explore.mixed, vql=[unique(0.9)])
    assert 0 < len(most_unique) < len(all_of_them)
    assert most_unique == all_of_them[: len(most_unique)]


async def test_filters_are_anded(explore: Explore) -> None:
    assert await explore.clusters(explore.mixed, vql=[duplicates(0.95), unique(1.0)]) == []
    both = await explore.clusters(explore.mixed, vql=[duplicates(0.95), unique(0.0)])
    assert both == await explore.clusters(explore.mixed, vql=[duplicates(0.95)])


async def test_without_a_filter_every_image_is_in_one_cluster(explore: Explore) -> None:
    clusters = await explore.clusters(explore.mixed)
    assert sum(cluster["n_images"] for cluster in clusters) == len(explore.pictures.truth.images)


@pytest.mark.parametrize("filters", [[], [duplicates(0.95)]])
async def test_the_largest_cluster_comes_first_and_equals_by_id(explore: Explore, filters: list[Any]) -> None:
    clusters = await explore.clusters(explore.crowd, vql=filters)
    keys = [(-cluster["n_images"], cluster["cluster_id"]) for cluster in clusters]
    assert keys == sorted(keys)


async def test_a_page_has_a_hundred_clusters_and_the_last_is_shorter(explore: Explore) -> None:
    pages = [await explore.ok(f"/explore/{explore.crowd}", page_number=page) for page in range(2)]
    assert [len(page["clusters"]) for page in pages] == [100, CROWD_SINGLES + 1 - 100]
    ids = [cluster["cluster_id"] for page in pages for cluster in page["clusters"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("page", [2, 999_999])
async def test_past_the_end_there_are_no_clusters(explore: Explore, page: int) -> None:
    assert (await explore.ok(f"/explore/{explore.crowd}", page_number=page))["clusters"] == []


async def test_previews_are_a_sample_of_nine_and_n_images_is_the_truth(explore: Explore) -> None:
    (cluster,) = await explore.clusters(explore.crowd, vql=[duplicates(0.95)])
    assert (cluster["n_images"], len(cluster["previews"])) == (CROWD_COPIES, 9)


async def test_every_preview_names_its_image(explore: Explore) -> None:
    for cluster in await explore.clusters(explore.mixed):
        assert len(cluster["previews"]) == min(cluster["n_images"], 9)
        for preview in cluster["previews"]:
            assert preview["type"] == "IMAGE"
            assert all(isinstance(preview[name], str) for name in ("media_id", "media_uri", "file_name"))
            assert min(preview["width"], preview["height"]) > 0


@pytest.mark.parametrize("level", [1, 2, 3, 4])
async def test_a_granularity_level_that_does_not_exist_has_no_clusters(explore: Explore, level: int) -> None:
    (cluster, *_) = await explore.clusters(explore.mixed)
    members = f"/explore/{explore.mixed}/similarity_cluster/{cluster['cluster_id']}"
    assert (await explore.ok(f"/explore/{explore.mixed}", threshold=level))["clusters"] == []
    assert (await explore.ok(f"/explore/{explore.mixed}/exploration_metadata", threshold=level))["cluster_count"] == 0
    assert await explore.ok(members, threshold=level) is None


async def test_pages_read_at_the_same_time_are_those_read_one_by_one(explore: Explore) -> None:
    asked = [{"page_number": page, "vql": filters} for page in (0, 1) for filters in ([], [unique(0.0)], [unique(0.5)])]
    one_by_one = [await explore.ok(f"/explore/{explore.crowd}", **parameters) for parameters in asked]
    together = await asyncio.gather(*(explore.ok(f"/explore/{explore.crowd}", **parameters) for parameters in asked))
    assert together == one_by_one


@pytest.mark.parametrize("filters", [[], [duplicates(0.95)], [unique(0.5)], [duplicates(0.95), unique(0.0)]])
async def test_the_count_agrees_with_the_pages(explore: Explore, filters: list[Any]) -> None:
    counted = await explore.ok(f"/explore/{explore.crowd}/exploration_metadata", vql=filters)
    clusters = await explore.clusters(explore.crowd, vql=filters)
    assert (counted["cluster_count"], counted["page_size"]) == (len(clusters), 100)


async def test_a_cluster_shows_all_its_members_page_by_page(explore: Explore) -> None:
    (cluster,) = await explore.clusters(explore.crowd, vql=[duplicates(0.95)])
    path = f"/explore/{explore.crowd}/similarity_cluster/{cluster['cluster_id']}"
    pages = [await explore.ok(path, vql=[duplicates(0.95)], page_number=page) for page in range(3)]
    assert [page and len(page["previews"]) for page in pages] == [100, CROWD_COPIES - 100, None]
    members = [preview["media_id"] for page in pages[:2] for preview in page["previews"]]
    assert len(set(members)) == CROWD_COPIES
    assert members[:9] == [preview["media_id"] for preview in cluster["previews"]]


@pytest.mark.parametrize("cluster", [NOWHERE, "nonsense"])
async def test_an_unknown_cluster_is_null(explore: Explore, cluster: str) -> None:
    assert await explore.ok(f"/explore/{explore.mixed}/similarity_cluster/{cluster}", vql=[duplicates(0.95)]) is None


@pytest.mark.parametrize("path", ["/datasets", "/healthcheck", "/explore/{}"])
async def test_a_head_request_gets_the_headers_of_the_answer(explore: Explore, path: str) -> None:
    asked = await explore.client.head(path.format(explore.mixed))
    answered = await explore.client.get(path.format(explore.mixed))
    assert (asked.status_code, asked.content) == (200, b"")
    for name in ("content-type", "content-length"):
        assert asked.headers[name] == answered.headers[name]


async def test_unknown_parameters_are_ignored(explore: Explore) -> None:
    plain = await explore.ok(f"/explore/{explore.mixed}")
    assert await explore.ok(f"/explore/{explore.mixed}", page_size="5", sort="name") == plain


@pytest.mark.parametrize(
    "path", ["/dataset/{}", "/explore/{}", "/explore/{}/exploration_metadata", "/explore/{}/similarity_cluster/x"]
)
async def test_an_unknown_dataset_is_not_found(explore: Explore, path: str) -> None:
    response = await explore.get(path.format(NOWHERE))
    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize(
    ("parameter", "given"),
    [
        ("vql", [{"labels": {"op": "one_of", "value": ["cat"]}}]),
        ("vql", "not JSON"),
        ("page_number", "-1"),
        ("page_number", "one"),
        ("threshold", "0.95"),
        ("duplicate_threshold", "1.5"),
        ("entity_type", "SOUNDS"),
    ],
)
async def test_a_wrong_parameter_is_named_in_the_list_of_errors(explore: Explore, parameter: str, given: Any) -> None:
    response = await explore.get(f"/explore/{explore.mixed}", **{parameter: given})
    assert response.status_code == 422
    (error,) = response.json()["detail"]
    assert error["loc"] == ["query", parameter]
    assert {"type", "msg", "input"} <= error.keys()
