from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.pictures import Truth, jpeg_bytes, save_set, scene, tree_digest
from tests.server.conversation import ERAS, Era, conversation, facts_of, text_of

TOOLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("find_duplicates", {}),
    ("find_unique", {}),
    ("summarize_clusters", {"group_by": "folder"}),
)


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Truth]:
    folder = tmp_path / "pictures"
    return folder, save_set(folder)


def members(cluster: dict[str, Any]) -> frozenset[str]:
    return frozenset([cluster["keep"], *(other["path"] for other in cluster["others"])])


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_duplicates_are_the_known_copies_and_nothing_else(
    pictures: tuple[Path, Truth], tmp_path: Path, era: Era
) -> None:
    folder, truth = pictures
    async with conversation([str(folder)], tmp_path / "cache", era=era) as client:
        facts = facts_of(await client.call_tool("find_duplicates", {}))
    assert {members(cluster) for cluster in facts["clusters"]} == set(truth.clusters)
    clustered = sum(len(cluster) for cluster in truth.clusters)
    assert facts["totals"] == {
        "images": len(truth.images),
        "clustered": clustered,
        "single": len(truth.singles),
        "clusters": len(truth.clusters),
        "removable": clustered - len(truth.clusters),
        "bytes_removable": facts["totals"]["bytes_removable"],
        "skipped": len(truth.skipped),
        "aliases": 0,
    }
    assert facts["totals"]["bytes_removable"] > 0
    assert facts["complete"] is True
    assert facts["status"] == "ready"
    assert facts["source"] == "local"


@pytest.mark.anyio
async def test_mirrored_and_rotated_copies_say_so(pictures: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, _ = pictures
    async with conversation([str(folder)], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("find_duplicates", {}))
    harbour = next(cluster for cluster in facts["clusters"] if "harbour" in cluster["keep"])
    relations = {Path(other["path"]).stem: other["relation"] for other in harbour["others"]}
    to_the_keeper = {
        "harbour": {"harbour mirrored": "mirrored", "harbour rotated": "rotated"},
        "harbour mirrored": {"harbour": "mirrored", "harbour rotated": "mirrored and rotated"},
        "harbour rotated": {"harbour": "rotated", "harbour mirrored": "mirrored and rotated"},
    }
    assert relations == to_the_keeper[Path(harbour["keep"]).stem]


@pytest.mark.anyio
async def test_unique_images_are_singles_most_unlike_first(pictures: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, truth = pictures
    async with conversation([str(folder)], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("find_unique", {"uniqueness": 0.5}))
    shown = [image["path"] for image in facts["images"]]
    prefix = Path(facts["folder"])
    assert shown
    assert {str((prefix / path).relative_to(folder.resolve())) for path in shown} <= truth.singles
    scores = [image["uniqueness"] for image in facts["images"]]
    assert scores == sorted(scores, reverse=True)
    assert facts["totals"]["at_or_above"] == len(shown)


@pytest.mark.anyio
async def test_a_summary_counts_what_can_go_in_total_and_by_folder(
    pictures: tuple[Path, Truth], tmp_path: Path
) -> None:
    folder, truth = pictures
    async with conversation([str(folder)], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("summarize_clusters", {"group_by": "folder"}))
    removable = sum(len(cluster) - 1 for cluster in truth.clusters)
    assert facts["totals"]["removable"] == removable
    assert facts["share_removable"] == pytest.approx(removable / len(truth.images), abs=0.01)
    assert [row["similarity"] for row in facts["thresholds"]] == [0.99, 0.95, 0.9, 0.85, 0.8]
    assert sum(row["n"] * row["clusters"] for row in facts["sizes"]) == facts["totals"]["clustered"]
    assert sum(group["images"] for group in facts["groups"]) == len(truth.images)
    assert sum(group["removable"] for group in facts["groups"]) == removable
    assert any({pair["a"], pair["b"]} == {"holiday", "web"} for pair in facts["across"])


@pytest.mark.anyio
@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_no_tool_changes_the_picture_folder(
    pictures: tuple[Path, Truth], tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    folder, _ = pictures
    before = tree_digest(folder)
    async with conversation([str(folder)], tmp_path / "cache") as client:
        facts_of(await client.call_tool(tool, arguments))
    assert tree_digest(folder) == before


@pytest.mark.anyio
@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_every_path_and_number_of_the_structured_answer_stands_in_the_text_too(
    pictures: tuple[Path, Truth], tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    folder, _ = pictures
    async with conversation([str(folder)], tmp_path / "cache") as client:
        result = await client.call_tool(tool, arguments)
    text, facts = text_of(result), facts_of(result)
    for key, value in facts["totals"].items():
        if key != "bytes_removable":
            assert f"{value:,}" in text, key
    for cluster in facts.get("clusters", []) + facts.get("largest", []):
        assert cluster["id"] in text
        assert all(member in text for member in members(cluster))
    for image in facts.get("images", []):
        assert image["path"] in text


@pytest.mark.anyio
async def test_pages_follow_one_another_without_gap_or_repetition(pictures: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, truth = pictures
    seen: list[frozenset[str]] = []
    async with conversation([str(folder)], tmp_path / "cache") as client:
        cursor = None
        while True:
            facts = facts_of(await client.call_tool("find_duplicates", {"limit": 1, "cursor": cursor}))
            prefix = Path(facts["folder"])
            seen += [
                frozenset(str((prefix / path).relative_to(folder.resolve())) for path in members(cluster))
                for cluster in facts["clusters"]
            ]
            cursor = facts.get("next_cursor")
            if cursor is None:
                break
    assert len(seen) == len(truth.clusters)
    assert set(seen) == set(truth.clusters)


@pytest.mark.anyio
async def test_a_cursor_from_another_question_or_a_changed_folder_is_refused(
    pictures: tuple[Path, Truth], tmp_path: Path
) -> None:
    folder, _ = pictures
    async with conversation([str(folder)], tmp_path / "cache") as client:
        cursor = facts_of(await client.call_tool("find_duplicates", {"limit": 1}))["next_cursor"]
        other_question = await client.call_tool("find_duplicates", {"limit": 1, "similarity": 0.9, "cursor": cursor})
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(99)))
    async with conversation([str(folder)], tmp_path / "cache") as client:
        changed_folder = await client.call_tool("find_duplicates", {"limit": 1, "cursor": cursor})
    for refused in (other_question, changed_folder):
        assert refused.is_error
        assert "cursor" in text_of(refused)


@pytest.mark.anyio
async def test_copies_across_joined_folders_are_found_and_counted_across(tmp_path: Path) -> None:
    train, test = tmp_path / "train", tmp_path / "test"
    for part, seeds in ((train, (1, 2, 3)), (test, (3, 4))):
        part.mkdir()
        for seed in seeds:
            (part / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed)))
    async with conversation([f"split={train},{test}"], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("summarize_clusters", {"group_by": "folder"}))
    assert facts["dataset"] == "split"
    assert facts["totals"]["removable"] == 1
    (pair,) = facts["across"]
    assert ({pair["a"], pair["b"]}, pair["clusters"]) == ({"train", "test"}, 1)


@pytest.mark.anyio
async def test_two_folders_are_two_datasets_and_a_question_must_say_which(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.jpg").write_bytes(jpeg_bytes(scene(len(name))))
    folders = [str(tmp_path / "cats"), str(tmp_path / "dogs")]
    async with conversation(folders, tmp_path / "cache") as client:
        unsaid = await client.call_tool("find_duplicates", {})
        named = await client.call_tool("find_duplicates", {"dataset": "dogs"})
        by_path = await client.call_tool("find_duplicates", {"dataset": str(tmp_path / "cats")})
        elsewhere = await client.call_tool("find_duplicates", {"dataset": str(tmp_path)})
    async with conversation(folders, tmp_path / "cache", dataset="cats") as client:
        preset = await client.call_tool("find_duplicates", {})
    assert unsaid.is_error
    assert "cats" in text_of(unsaid)
    assert "dogs" in text_of(unsaid)
    assert facts_of(named)["dataset"] == "dogs"
    assert facts_of(by_path)["dataset"] == "cats"
    assert elsewhere.is_error
    assert facts_of(preset)["dataset"] == "cats"


@pytest.mark.anyio
async def test_an_empty_result_names_the_closest_pair_and_a_next_step(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed)))
    (folder / "0 smaller.jpg").write_bytes(jpeg_bytes(scene(0).resize((320, 240)), quality=40))
    async with conversation([str(folder)], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("find_duplicates", {"similarity": 1.0}))
    assert facts["clusters"] == []
    assert any("would show it" in note for note in facts["notes"])


@pytest.mark.anyio
async def test_a_folder_without_images_is_an_answer_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    async with conversation([str(tmp_path / "empty")], tmp_path / "cache") as client:
        for tool, arguments in TOOLS:
            facts = facts_of(await client.call_tool(tool, arguments))
            assert facts["totals"]["images"] == 0


@pytest.mark.anyio
async def test_a_similarity_below_what_the_index_keeps_is_refused_by_naming_the_floor(
    pictures: tuple[Path, Truth], tmp_path: Path
) -> None:
    async with conversation([str(pictures[0])], tmp_path / "cache") as client:
        result = await client.call_tool("find_duplicates", {"similarity": 0.3})
    assert result.is_error
    assert "0.7" in text_of(result)


@pytest.mark.anyio
async def test_labels_are_refused_by_name_where_a_folder_has_none(pictures: tuple[Path, Truth], tmp_path: Path) -> None:
    async with conversation([str(pictures[0])], tmp_path / "cache") as client:
        result = await client.call_tool("summarize_clusters", {"group_by": "label"})
    assert result.is_error
    assert "label" in text_of(result)


@pytest.mark.anyio
async def test_objects_are_refused_by_name_where_only_images_exist(
    pictures: tuple[Path, Truth], tmp_path: Path
) -> None:
    async with conversation([str(pictures[0])], tmp_path / "cache") as client:
        result = await client.call_tool("find_duplicates", {"entity_type": "OBJECTS"})
    assert result.is_error
    assert "OBJECTS" in text_of(result)


@pytest.mark.anyio
async def test_indexing_is_reported_with_rising_progress(pictures: tuple[Path, Truth], tmp_path: Path) -> None:
    reports: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        reports.append(progress)

    async with conversation([str(pictures[0])], tmp_path / "cache") as client:
        facts_of(await client.call_tool("find_duplicates", {}, progress_callback=note))
    assert reports
    assert reports == sorted(set(reports))


@pytest.mark.anyio
async def test_a_blank_page_is_neither_unique_nor_given_a_number(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed)))
    Image.new("RGB", (300, 200), "white").save(folder / "blank.png")
    async with conversation([str(folder)], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("find_unique", {"uniqueness": 0.0}))
    assert facts["totals"] == {"images": 5, "at_or_above": 4}
    assert "blank.png" not in [image["path"] for image in facts["images"]]
    assert any("1 image has too little detail" in note for note in facts["notes"])


@pytest.mark.anyio
async def test_joined_folders_keep_their_names_and_say_where_they_are(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "copy.jpg").write_bytes(jpeg_bytes(scene(1)))
    async with conversation([f"split={tmp_path / 'train'},{tmp_path / 'test'}"], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("find_duplicates", {}))
    (cluster,) = facts["clusters"]
    assert members(cluster) == {"train/copy.jpg", "test/copy.jpg"}
    assert any(f"train = {tmp_path / 'train'}" in note for note in facts["notes"])


@pytest.mark.anyio
async def test_the_folder_of_an_answer_can_be_opened_also_within_joined_folders(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part / "cats").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "train" / "cats" / name).write_bytes(jpeg_bytes(scene(1)))
    async with conversation([f"split={tmp_path / 'train'},{tmp_path / 'test'}"], tmp_path / "cache") as client:
        facts = facts_of(await client.call_tool("find_duplicates", {}))
    assert (Path(facts["folder"]) / facts["clusters"][0]["keep"]).is_file()
