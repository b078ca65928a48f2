"""What the default model says of pictures that everyone can look at: ../shared/data, where it is."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.server.conversation import conversation, facts_of

DATA = Path(os.environ.get("LOOKALIKE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there: set LOOKALIKE_SHARED_DATA to those pictures"),
]

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


async def every(client: Client, tool: str, listed: str, **arguments: Any) -> list[dict[str, Any]]:
    """Everything that a tool lists, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = facts_of(await client.call_tool(tool, arguments))
        found += page[listed]
        if "next_cursor" not in page:
            return found
        arguments["cursor"] = page["next_cursor"]


def members(cluster: dict[str, Any]) -> list[str]:
    assert cluster["others_more"] == 0
    return [cluster["keep"], *(other["path"] for other in cluster["others"])]


async def matches(cache: Path, folder: str, image: str) -> list[dict[str, Any]]:
    """What is alike to one image of a folder."""
    async with conversation([str(DATA / folder)], cache) as client:
        facts = facts_of(await client.call_tool("find_duplicates", {"image": image, "limit": 100}))
    found: list[dict[str, Any]] = facts["checked"]["matches"]
    return found


async def totals(cache: Path, folder: str) -> dict[str, int]:
    async with conversation([str(DATA / folder)], cache) as client:
        found: dict[str, int] = facts_of(await client.call_tool("find_duplicates", {}))["totals"]
    return found


async def test_a_bridge_in_eight_orientations_is_one_cluster_marked_rotated_and_mirrored(cache: Path) -> None:
    found = await matches(cache, "edits/orientations", "bridge-1-original.jpg")
    assert len({match["cluster"] for match in found}) == 1
    assert {match["path"]: match.get("relation") for match in found} == {
        "bridge-2-rotate-90.jpg": "rotated",
        "bridge-3-rotate-180.jpg": "rotated",
        "bridge-4-rotate-270.jpg": "rotated",
        "bridge-5-flipx.jpg": "mirrored",
        "bridge-6-flipy.jpg": "mirrored",
        "bridge-7-flip-plus-1.jpg": "mirrored and rotated",
        "bridge-8-flip-minus-1.jpg": "mirrored and rotated",
    }
    assert (await totals(cache, "edits/orientations"))["clusters"] == 1


async def test_the_bridge_blurred_sharpened_recoloured_and_resized_joins_the_original(
    cache: Path, record_testsuite_property: Record
) -> None:
    found = await matches(cache, "edits/modified", "aaa-orig.jpg")
    record_testsuite_property("modified bridges alike to the original, of 11", len(found))
    assert len(found) == 11
    counted = await totals(cache, "edits/modified")
    assert (counted["clusters"], counted["clustered"]) == (1, 12)


@pytest.mark.parametrize("shape", ["Landscape", "Portrait"])
async def test_all_exif_orientations_of_a_picture_are_one_cluster_and_none_is_turned(cache: Path, shape: str) -> None:
    found = await matches(cache, "exif-orientation", f"{shape}_0.jpg")
    assert {match["path"] for match in found} == {f"{shape}_{number}.jpg" for number in range(1, 9)}
    assert len({match["cluster"] for match in found}) == 1
    assert not any("relation" in match for match in found)


async def test_every_raccoon_is_either_in_a_cluster_or_without_a_copy(cache: Path) -> None:
    async with conversation([str(DATA / "raccoons")], cache) as client:
        clusters = await every(client, "find_duplicates", "clusters")
        unique = await every(client, "find_unique", "images", uniqueness=0, limit=100)
    clustered = [path for cluster in clusters for path in members(cluster)]
    single = [image["path"] for image in unique]
    assert sorted(clustered + single) == sorted(path.name for path in (DATA / "raccoons").glob("*.jpg"))
    counted = await totals(cache, "raccoons")
    assert (counted["clustered"], counted["single"]) == (len(clustered), len(single))
    files = sum(path.is_file() for path in (DATA / "raccoons").iterdir())
    assert counted["clustered"] + counted["single"] + counted["skipped"] == files


async def test_the_copies_among_the_raccoons_are_found_the_captioned_one_too(cache: Path) -> None:
    async with conversation([str(DATA / "raccoons")], cache) as client:
        clusters = await every(client, "find_duplicates", "clusters")
    found = {frozenset(members(cluster)) for cluster in clusters}
    copies = ((50, 52, 74), (51, 85), (21, 45), (65, 98), (83, 120), (11, 116))
    assert {frozenset(f"raccoon-{number}.jpg" for number in group) for group in copies} <= found


async def test_most_shots_of_one_shelf_stay_apart(cache: Path, record_testsuite_property: Record) -> None:
    """None is a copy of another. At the last count 12 of 240 were in a cluster: six pairs of shots of one pile each."""
    async with conversation([str(DATA / "shelf")], cache) as client:
        clusters = await every(client, "find_duplicates", "clusters")
    sizes = [len(members(cluster)) for cluster in clusters]
    record_testsuite_property("shots of shelves in clusters, of 240", sum(sizes))
    assert sum(sizes) <= 24
    assert max(sizes, default=0) <= 3
