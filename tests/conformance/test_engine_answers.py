"""What the engine adds to the Explore contract, and how it refuses what it cannot do."""

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from PIL import Image

from tests.conformance.backends import CROWD_COPIES, CROWD_SINGLES, ENGINES, Explore, on

pytestmark = [pytest.mark.anyio, on(*ENGINES)]

DUPLICATES = [{"duplicates": {"op": "duplicates", "value": 0.95}}]
UNIQUE = [{"uniqueness": {"op": "uniqueness", "value": 0.0}}]


def paths(cluster: dict[str, Any]) -> frozenset[str]:
    return frozenset(preview["file_path"] for preview in cluster["previews"])


async def cluster_with(explore: Explore, path: str) -> dict[str, Any]:
    clusters = await explore.clusters(explore.mixed, vql=DUPLICATES)
    return next(cluster for cluster in clusters if path in paths(cluster))


def preview_of(cluster: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = next(preview for preview in cluster["previews"] if preview["file_path"] == path)
    return found


async def refused(explore: Explore, **parameters: Any) -> str:
    """Return the message of the one error that these parameters are refused with."""
    response = await explore.get(f"/explore/{explore.mixed}", **parameters)
    assert response.status_code == 422, response.text
    (error,) = response.json()["detail"]
    message: str = error["msg"]
    return message


async def test_the_engine_says_that_it_is_up_and_which_version(explore: Explore) -> None:
    health = await explore.ok("/healthcheck")
    assert health["status"] == "ok"
    assert health["version"]


async def test_a_dataset_tells_what_was_skipped_and_where_it_lies(explore: Explore) -> None:
    await explore.ok(f"/explore/{explore.mixed}")
    dataset = await explore.ok(f"/dataset/{explore.mixed}")
    skipped = explore.pictures.truth.skipped
    assert dataset["root_path"] == str(explore.pictures.mixed.resolve())
    assert {entry["file_path"] for entry in dataset["skipped"]} == skipped
    assert (dataset["n_skipped"], sum(dataset["skipped_reasons"].values())) == (len(skipped), len(skipped))
    assert (dataset["source_type"], dataset["signals"], dataset["n_aliases"]) == ("LOCAL", ["hash", "lite0"], 0)
    assert (dataset["similarity_floor"], dataset["indexing"], dataset["fatal_error_msg"]) == (0.70, None, None)
    assert dataset["calibration"] == {"checked": False, "reason": "too few images to check"}
    assert dataset["search"] == {"exact": True, "floor_raised": False, "recall": None}


async def test_every_answer_carries_the_revision_and_the_filters_that_were_honoured(explore: Explore) -> None:
    page = await explore.ok(f"/explore/{explore.mixed}", vql=DUPLICATES)
    counted = await explore.ok(f"/explore/{explore.mixed}/exploration_metadata", vql=UNIQUE)
    dataset = await explore.ok(f"/dataset/{explore.mixed}")
    assert page["metadata"]["applied_filters"] == ["duplicates"]
    assert counted["metadata"]["applied_filters"] == ["uniqueness"]
    assert page["metadata"]["revision"] == counted["metadata"]["revision"] == dataset["revision"]


async def test_clusters_hold_exactly_the_paths_of_the_copies(explore: Explore) -> None:
    clusters = await explore.clusters(explore.mixed, vql=DUPLICATES)
    assert {paths(cluster) for cluster in clusters} == set(explore.pictures.truth.clusters)
    exact = {paths(cluster) for cluster in clusters if cluster["exact"]}
    assert exact == set(explore.pictures.truth.clusters) & set(explore.pictures.truth.exact)


async def test_pixel_equal_members_are_told_from_near_copies(explore: Explore) -> None:
    cluster = await cluster_with(explore, "beach.png")
    keeper = cluster["previews"][0]["file_path"]
    beach = next(group for group in explore.pictures.truth.exact if "beach.png" in group)
    for preview in cluster["previews"][1:]:
        assert preview["exact_copy"] == (preview["file_path"] in beach and keeper in beach)
        assert preview["relation"] == "same"


async def test_the_relation_of_a_member_to_the_keeper_is_told(explore: Explore) -> None:
    cluster = await cluster_with(explore, "holiday/harbour.jpg")
    turned = {
        "holiday/harbour.jpg": "same",
        "web/harbour mirrored.jpg": "mirrored",
        "archive/2019/harbour rotated.jpg": "rotated",
    }
    keeper = cluster["previews"][0]["file_path"]
    for preview in cluster["previews"][1:]:
        expected = {turned[keeper], turned[preview["file_path"]]} - {"same"}
        assert preview["relation"] == (expected.pop() if len(expected) == 1 else "mirrored_rotated")
    assert "relation" not in cluster["previews"][0]
    assert "exact_copy" not in cluster["previews"][0]


async def test_an_exact_cluster_keeps_the_shortest_path(explore: Explore) -> None:
    cluster = await cluster_with(explore, "logo.png")
    assert [preview["file_path"] for preview in cluster["previews"]] == ["logo.png", "web/logo.png"]
    assert (cluster["exact"], cluster["keeper_reason"], cluster["lowest_similarity"]) == (True, "shortest_path", 1.0)


async def test_a_near_cluster_keeps_the_best_picture_and_says_what_decided(explore: Explore) -> None:
    cluster = await cluster_with(explore, "holiday/dunes.png")
    assert cluster["previews"][0]["file_path"] == "holiday/dunes.png"
    assert cluster["previews"][-1]["file_path"] == "web/dunes half.jpg"
    assert cluster["keeper_reason"] == "largest_file"
    assert 0.95 <= cluster["lowest_similarity"] < 1.0
    assert [preview["keeper_rank"] for preview in cluster["previews"]] == [0, 1, 2, 3]


async def test_removable_bytes_are_the_file_sizes_of_all_but_the_keeper(explore: Explore) -> None:
    for cluster in await explore.clusters(explore.mixed, vql=DUPLICATES):
        files = [explore.pictures.mixed / preview["file_path"] for preview in cluster["previews"]]
        assert cluster["removable_bytes"] == sum(file.stat().st_size for file in files[1:])


async def test_a_preview_describes_its_file(explore: Explore) -> None:
    cluster = await cluster_with(explore, "archive/2019/beach copy.jpg")
    preview = preview_of(cluster, "archive/2019/beach copy.jpg")
    file = explore.pictures.mixed / "archive" / "2019" / "beach copy.jpg"
    assert (preview["file_name"], preview["file_size"]) == ("beach copy.jpg", file.stat().st_size)
    assert (preview["width"], preview["height"]) == (640, 480)
    assert Path(unquote(urlsplit(preview["media_uri"]).path)) == file.resolve()
    modified = datetime.fromisoformat(preview["modified_at"])
    assert abs(modified.timestamp() - file.stat().st_mtime) < 0.001
    assert preview["content_hash"] == preview_of(cluster, "holiday/beach.jpg")["content_hash"]
    assert UUID(preview["media_id"])


async def test_an_image_names_its_nearest_other_image(explore: Explore) -> None:
    cluster = await cluster_with(explore, "logo.png")
    assert [preview["nearest_file_path"] for preview in cluster["previews"]] == ["web/logo.png", "logo.png"]
    assert {preview["nearest_similarity"] for preview in cluster["previews"]} == {1.0}
    for single in await explore.clusters(explore.mixed, vql=UNIQUE):
        (preview,) = single["previews"]
        assert preview["nearest_file_path"] != preview["file_path"]
        assert preview["nearest_similarity"] < 0.95


async def test_the_most_unique_image_comes_first(explore: Explore) -> None:
    clusters = await explore.clusters(explore.mixed, vql=UNIQUE)
    uniqueness = [cluster["previews"][0]["uniqueness"] for cluster in clusters]
    assert uniqueness == sorted(uniqueness, reverse=True)
    counted = await explore.ok(f"/explore/{explore.mixed}/exploration_metadata")
    assert counted["highest_uniqueness"] == uniqueness[0]


async def test_clusters_of_one_claim_nothing_about_pairs(explore: Explore) -> None:
    for cluster in await explore.clusters(explore.mixed, vql=UNIQUE):
        assert cluster["removable_bytes"] == 0
        assert not cluster["exact"]
        assert not {"lowest_similarity", "keeper_reason"} & cluster.keys()


async def test_a_short_id_is_the_start_of_one_cluster_id_only(explore: Explore) -> None:
    clusters = await explore.clusters(explore.crowd)
    for cluster in clusters:
        assert len(cluster["short_id"]) >= 8
        assert sum(other["cluster_id"].startswith(cluster["short_id"]) for other in clusters) == 1


async def test_totals_add_up(explore: Explore) -> None:
    counted = await explore.ok(f"/explore/{explore.mixed}/exploration_metadata", vql=DUPLICATES)
    truth = explore.pictures.truth
    clusters = await explore.clusters(explore.mixed, vql=DUPLICATES)
    clustered = sum(map(len, truth.clusters))
    assert counted["totals"] == {
        "images": len(truth.images),
        "clustered": clustered,
        "single": len(truth.singles),
        "clusters": len(truth.clusters),
        "removable": clustered - len(truth.clusters),
        "bytes_removable": sum(cluster["removable_bytes"] for cluster in clusters),
        "skipped": len(truth.skipped),
        "aliases": 0,
    }
    assert sum(size["clusters"] for size in counted["sizes"]) == len(truth.clusters)
    assert sum(size["n"] * size["clusters"] for size in counted["sizes"]) == clustered
    assert 0.95 <= counted["closest_similarity"] < 1.0
    assert "groups" not in counted


async def test_totals_at_a_similarity_that_nothing_but_exact_copies_reaches(explore: Explore) -> None:
    counted = await explore.ok(f"/explore/{explore.mixed}/exploration_metadata", duplicate_threshold="1")
    exact = explore.pictures.truth.exact
    assert (counted["totals"]["clusters"], counted["totals"]["clustered"]) == (len(exact), sum(map(len, exact)))


async def test_folders_are_counted_with_the_clusters_between_them(explore: Explore) -> None:
    counted = await explore.ok(f"/explore/{explore.mixed}/exploration_metadata", vql=DUPLICATES, group_by="folder")
    truth = explore.pictures.truth
    clusters = await explore.clusters(explore.mixed, vql=DUPLICATES)

    def folder(path: str) -> str:
        return path.partition("/")[0] if "/" in path else "."

    removable = [folder(preview["file_path"]) for cluster in clusters for preview in cluster["previews"][1:]]
    expected = [
        {
            "name": name,
            "images": sum(folder(path) == name for path in truth.images),
            "removable": removable.count(name),
        }
        for name in {folder(path) for path in truth.images}
    ]
    assert counted["groups"] == sorted(expected, key=lambda group: (-int(str(group["removable"])), group["name"]))
    assert counted["groups_total"] == len(expected)
    across = {(entry["a"], entry["b"]): entry["clusters"] for entry in counted["across"]}
    assert across[".", "web"] == sum({".", "web"} <= {folder(path) for path in found} for found in truth.clusters)
    assert counted["across_total"] == len(across)


async def test_a_crowd_of_copies_is_one_exact_cluster(explore: Explore) -> None:
    counted = await explore.ok(f"/explore/{explore.crowd}/exploration_metadata", vql=DUPLICATES)
    assert counted["sizes"] == [{"n": CROWD_COPIES, "clusters": 1}]
    assert (counted["totals"]["images"], counted["totals"]["single"]) == (CROWD_COPIES + CROWD_SINGLES, CROWD_SINGLES)


async def test_a_thumbnail_is_a_small_webp(explore: Explore) -> None:
    cluster = await cluster_with(explore, "holiday/dunes.png")
    response = await explore.client.get(
        urlsplit(cluster["previews"][0]["media_thumb_uri"]).path.removeprefix("/api/v1")
    )
    assert (response.status_code, response.headers["content-type"]) == (200, "image/webp")
    with Image.open(io.BytesIO(response.content), formats=["WEBP"]) as thumbnail:
        assert thumbnail.size == (256, 192)


@pytest.mark.parametrize("media", ["00000000-0000-4000-8000-000000000000", "nonsense", "..%2f..%2fetc%2fpasswd"])
async def test_there_is_no_thumbnail_of_what_is_not_in_the_index(explore: Explore, media: str) -> None:
    await explore.ok(f"/explore/{explore.mixed}")
    response = await explore.get(f"/thumbnail/{explore.mixed}/{media}")
    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("path", ["/dataset/{}", "/explore/{}", "/thumbnail/{}/x"])
async def test_an_id_that_is_no_uuid_is_not_found(explore: Explore, path: str) -> None:
    response = await explore.get(path.format("nonsense"))
    assert response.status_code == 404
    assert "nonsense" in response.json()["detail"]


async def test_an_unknown_path_is_not_found_in_json(explore: Explore) -> None:
    response = await explore.get("/export")
    assert (response.status_code, list(response.json())) == (404, ["detail"])


@pytest.mark.parametrize("name", ["labels", "tags", "text", "issues", "no such \u202e\ud800 filter"])
async def test_an_unsupported_filter_is_refused_by_name(explore: Explore, name: str) -> None:
    message = await refused(explore, vql=[{name: {"op": "is", "value": []}}])
    assert json.dumps(name) in message


@pytest.mark.parametrize("entity_type", ["OBJECTS", "VIDEOS"])
async def test_an_unsupported_entity_type_is_refused_by_name(explore: Explore, entity_type: str) -> None:
    assert entity_type in await refused(explore, entity_type=entity_type)


@pytest.mark.parametrize("name", ["duplicates", "uniqueness"])
@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "true", "null", '"0.9"', "[0.9]", "-0.1", "1.1", "1e400", "1" + "0" * 5000],
)
async def test_the_value_of_a_filter_must_be_a_number_from_0_to_1(explore: Explore, name: str, value: str) -> None:
    assert await refused(explore, vql=f'[{{"{name}": {{"op": "{name}", "value": {value}}}}}]')


@pytest.mark.parametrize(
    "vql",
    [
        "",
        "{}",
        "[[]]",
        "[{}]",
        '["duplicates"]',
        "[" * 5000,
        '[{"duplicates": 0.9}]',
        '[{"duplicates": {"value": 0.9}}]',
        '[{"duplicates": {"op": "similar", "value": 0.9}}]',
        '[{"duplicates": {"op": "duplicates", "value": 0.9, "not": true}}]',
        '[{"duplicates": {"op": "duplicates", "value": 0.9, "value": 0.99}}]',
    ],
)
async def test_vql_of_another_shape_is_refused(explore: Explore, vql: str) -> None:
    assert await refused(explore, vql=vql)


async def test_one_filter_given_twice_is_refused(explore: Explore) -> None:
    assert "twice" in await refused(explore, vql=DUPLICATES + DUPLICATES)
    assert "exclude each other" in await refused(explore, vql=DUPLICATES, duplicate_threshold="0.9")
    response = await explore.client.get(f"/explore/{explore.mixed}?threshold=0&threshold=1")
    assert response.status_code == 422


@pytest.mark.parametrize("threshold", ["nan", "inf", "-1", "1_0", "", "0,9"])
async def test_duplicate_threshold_must_be_a_number_from_0_to_1(explore: Explore, threshold: str) -> None:
    assert await refused(explore, duplicate_threshold=threshold)


async def test_a_similarity_below_the_floor_is_refused_with_the_floor(explore: Explore) -> None:
    assert "0.7" in await refused(explore, duplicate_threshold="0.69")
    assert (await explore.get(f"/explore/{explore.mixed}", duplicate_threshold="0.70")).status_code == 200


async def test_grouping_by_label_is_refused_by_name(explore: Explore) -> None:
    assert "label" in await refused(explore, group_by="label")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "lookalike.invalid.evil.example", ""])
async def test_a_name_that_a_web_page_points_at_loopback_is_turned_away(explore: Explore, host: str) -> None:
    response = await explore.client.get("/datasets", headers={"host": host})
    assert response.status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"])
async def test_every_name_of_loopback_is_answered(explore: Explore, host: str) -> None:
    assert (await explore.client.get("/datasets", headers={"host": host})).status_code == 200


async def test_only_reading_is_possible(explore: Explore) -> None:
    response = await explore.client.post("/datasets", json={})
    assert (response.status_code, list(response.json())) == (405, ["detail"])
