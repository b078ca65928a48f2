"""The engine as a whole: what it refuses to serve, how it follows a folder, what it opens and loads."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from filelock import FileLock

from lookalike_engine import Engine, EngineError, EngineSettings, FolderDataset
from lookalike_engine.api import create_app
from lookalike_engine.library import Library
from tests.pictures import jpeg_bytes, scene

pytestmark = pytest.mark.anyio

DUPLICATES = "0.95"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two copies of one scene, and another scene."""
    pets = tmp_path / "pets"
    pets.mkdir()
    (pets / "cat.jpg").write_bytes(jpeg_bytes(scene(1)))
    (pets / "cat small.jpg").write_bytes(jpeg_bytes(scene(1).resize((320, 240))))
    (pets / "dog.jpg").write_bytes(jpeg_bytes(scene(2)))
    return pets


@asynccontextmanager
async def serving(*datasets: FolderDataset, cache: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    engine = Engine(datasets, EngineSettings(cache_dir=cache, **settings))
    try:
        async with calling(engine.app) as client:
            yield client
    finally:
        engine.close()


@asynccontextmanager
async def calling(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://lookalike.invalid/api/v1") as client:
        yield client


async def only_dataset(client: httpx.AsyncClient) -> dict[str, Any]:
    (dataset,) = (await client.get("/datasets")).json()
    found: dict[str, Any] = dataset
    return found


async def duplicates(client: httpx.AsyncClient) -> list[set[str]]:
    dataset = await only_dataset(client)
    response = await client.get(f"/explore/{dataset['id']}", params={"duplicate_threshold": DUPLICATES})
    assert response.status_code == 200, response.text
    return [{each["file_path"] for each in cluster["previews"]} for cluster in response.json()["clusters"]]


async def test_listing_datasets_starts_no_indexing(folder: Path, tmp_path: Path) -> None:
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        for _ in range(2):
            dataset = await only_dataset(client)
            assert (dataset["status_new"], dataset["revision"], dataset["n_images"]) == ("DRAFT", None, 0)


async def test_what_changes_in_the_folder_changes_the_answer_and_the_revision(folder: Path, tmp_path: Path) -> None:
    pets = FolderDataset("pets", (folder,))
    async with serving(pets, cache=tmp_path / "cache", refresh_after_seconds=0.0) as client:
        assert await duplicates(client) == [{"cat.jpg", "cat small.jpg"}]
        before = await only_dataset(client)
        (folder / "dog again.png").write_bytes((folder / "dog.jpg").read_bytes())
        (folder / "cat small.jpg").unlink()
        assert await duplicates(client) == [{"dog.jpg", "dog again.png"}]
        after = await only_dataset(client)
        assert (before["id"], before["n_images"], after["n_images"]) == (after["id"], 3, 3)
        assert before["revision"] != after["revision"]


async def test_an_unchanged_folder_keeps_its_revision_and_ids_in_the_next_engine(folder: Path, tmp_path: Path) -> None:
    answers: list[Any] = []
    for _ in range(2):
        async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
            dataset = await only_dataset(client)
            answers.append((await client.get(f"/explore/{dataset['id']}")).json())
    assert answers[0] == answers[1]


async def test_copies_across_joined_folders_are_found(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "pets"
    shutil.copytree(folder, other)
    async with serving(FolderDataset("all", (folder, other)), cache=tmp_path / "cache") as client:
        clusters = await duplicates(client)
        dataset = await only_dataset(client)
    assert sorted(map(len, clusters)) == [2, 4]
    assert dataset["root_path"] is None
    assert len({path.partition("/")[0] for cluster in clusters for path in cluster}) == 2


async def test_an_empty_folder_is_an_empty_dataset(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    async with serving(FolderDataset("empty", (tmp_path / "empty",)), cache=tmp_path / "cache") as client:
        assert await duplicates(client) == []
        dataset = await only_dataset(client)
        counted = (await client.get(f"/explore/{dataset['id']}/exploration_metadata?group_by=folder")).json()
    assert (dataset["status_new"], dataset["n_images"]) == ("READY", 0)
    assert (counted["totals"]["images"], counted["closest_similarity"], counted["highest_uniqueness"]) == (
        0,
        None,
        None,
    )
    assert (counted["groups"], counted["across"], counted["sizes"]) == ([], [], [])


async def test_an_only_image_is_unique_and_has_no_nearest(folder: Path, tmp_path: Path) -> None:
    for name in ("cat.jpg", "cat small.jpg"):
        (folder / name).unlink()
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        dataset = await only_dataset(client)
        vql = '[{"uniqueness": {"op": "uniqueness", "value": 1}}]'
        (cluster,) = (await client.get(f"/explore/{dataset['id']}", params={"vql": vql})).json()["clusters"]
    (preview,) = cluster["previews"]
    assert (preview["file_path"], preview["uniqueness"]) == ("dog.jpg", 1.0)
    assert not {"nearest_file_path", "nearest_similarity"} & preview.keys()


async def closest(client: httpx.AsyncClient) -> float | None:
    dataset = await only_dataset(client)
    counted = (await client.get(f"/explore/{dataset['id']}/exploration_metadata")).json()
    similarity: float | None = counted["closest_similarity"]
    return similarity


async def test_the_closest_pair_is_told_even_where_it_is_below_the_floor(folder: Path, tmp_path: Path) -> None:
    (folder / "cat small.jpg").unlink()
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache", signals="hash") as client:
        similarity = await closest(client)
    assert similarity is not None
    assert 0 <= similarity < 0.70


async def test_the_closest_pair_is_told_where_both_its_images_have_copies(folder: Path, tmp_path: Path) -> None:
    (folder / "cat small.jpg").unlink()
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        alone = await closest(client)
    for name in ("cat.jpg", "dog.jpg"):
        shutil.copyfile(folder / name, folder / f"copy of {name}")
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        assert await closest(client) == alone


async def test_there_is_no_closest_pair_where_all_images_are_copies_of_one(folder: Path, tmp_path: Path) -> None:
    for name in ("cat small.jpg", "dog.jpg"):
        shutil.copyfile(folder / "cat.jpg", folder / name)
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        assert await closest(client) is None


async def test_frames_that_differ_in_a_pixel_are_copies_of_the_same_orientation_and_not_exact(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    frame = scene(1, (96, 72))
    for number in range(3):
        frame.putpixel((0, 0), (number, 0, 0))
        frame.save(tmp_path / "film" / f"{number}.png")
    async with serving(FolderDataset("film", (tmp_path / "film",)), cache=tmp_path / "cache") as client:
        dataset = await only_dataset(client)
        answer = await client.get(f"/explore/{dataset['id']}", params={"duplicate_threshold": DUPLICATES})
        (cluster,) = answer.json()["clusters"]
        assert (await closest(client), cluster["lowest_similarity"], cluster["exact"]) == (0.999, 0.999, False)
    for preview in cluster["previews"][1:]:
        assert (preview["relation"], preview["exact_copy"], preview["nearest_similarity"]) == ("same", False, 0.999)


async def test_an_answer_asked_for_again_after_many_others_is_the_same(folder: Path, tmp_path: Path) -> None:
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        first = await duplicates(client)
        dataset = await only_dataset(client)
        for percent in range(70, 100):
            asked = {"duplicate_threshold": f"0.{percent}"}
            assert (await client.get(f"/explore/{dataset['id']}", params=asked)).status_code == 200
        assert await duplicates(client) == first


@pytest.mark.parametrize("call", ["/explore/{}", "/explore/{}/similarity_cluster/{}", "{}"])
async def test_an_index_that_is_removed_under_the_engine_is_built_again_and_answers(
    folder: Path, tmp_path: Path, call: str
) -> None:
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        dataset = await only_dataset(client)
        page = (await client.get(f"/explore/{dataset['id']}")).json()
        cluster = page["clusters"][0]
        thumbnail = cluster["previews"][0]["media_thumb_uri"].removeprefix("/api/v1")
        path = thumbnail if call == "{}" else call.format(dataset["id"], cluster["cluster_id"])
        before = await client.get(path)
        shutil.rmtree(tmp_path / "cache")
        after = await client.get(path)
        assert (after.status_code, after.content) == (200, before.content)
        assert any((tmp_path / "cache").rglob("images.parquet"))


async def test_an_index_that_is_removed_after_an_unchanged_folder_was_looked_at_again_is_built_again(
    folder: Path, tmp_path: Path
) -> None:
    settings = EngineSettings(cache_dir=tmp_path / "cache", refresh_after_seconds=3600.0)
    library = Library([FolderDataset("pets", (folder,))], settings)
    (identifier,) = library.ids()
    async with calling(create_app(library, settings)) as client:
        expected = await duplicates(client)
        snapshot = library.dataset(identifier).snapshot
        assert snapshot is not None
        library.lost(identifier, snapshot)
        assert await duplicates(client) == expected
        shutil.rmtree(tmp_path / "cache")
        assert await duplicates(client) == expected
    library.close()


async def test_an_index_that_other_engines_have_replaced_twice_gives_way_to_theirs(
    folder: Path, tmp_path: Path
) -> None:
    pets, cache = FolderDataset("pets", (folder,)), tmp_path / "cache"
    async with serving(pets, cache=cache, refresh_after_seconds=3600.0) as client:
        assert await duplicates(client) == [{"cat.jpg", "cat small.jpg"}]
        for name in ("dog again.jpg", "dog once more.jpg"):
            shutil.copyfile(folder / "dog.jpg", folder / name)
            async with serving(pets, cache=cache) as other:
                theirs = await duplicates(other)
        assert await duplicates(client) == theirs
        assert {"dog.jpg", "dog again.jpg", "dog once more.jpg"} in theirs


async def test_a_file_name_that_is_no_unicode_is_shown_escaped(folder: Path, tmp_path: Path) -> None:
    raw = os.fsencode(folder) + b"/caf\xe9.jpg"
    try:
        shutil.copyfile(folder / "cat.jpg", os.fsdecode(raw))
    except (OSError, UnicodeError):
        pytest.skip("this file system takes Unicode names only")
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        dataset = await only_dataset(client)
        response = await client.get(f"/explore/{dataset['id']}", params={"duplicate_threshold": "1"})
        (cluster,) = response.json()["clusters"]
        previews = {preview["file_path"]: preview for preview in cluster["previews"]}
        shown = previews["caf\\xe9.jpg"]
        assert shown["media_uri"].endswith(quote(b"caf\xe9.jpg"))
        thumbnail = await client.get(shown["media_thumb_uri"].removeprefix("/api/v1"))
        assert thumbnail.status_code == 200


async def test_while_the_first_index_runs_the_dataset_says_so_and_questions_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    settings = EngineSettings(cache_dir=tmp_path / "cache")
    library = Library([FolderDataset("pets", (folder,))], settings)
    (identifier,) = library.ids()
    (settings.cache_dir / identifier).mkdir(parents=True)
    other_run = FileLock(settings.cache_dir / identifier / "lock")
    async with calling(create_app(library, settings, patience=0.0)) as client:
        with other_run:
            refused = await client.get(f"/explore/{identifier}")
            dataset = (await client.get(f"/dataset/{identifier}")).json()
            thumbnail = await client.get(f"/thumbnail/{identifier}/{identifier}")
        await library.ready(identifier, 60)
        answered = await client.get(f"/explore/{identifier}")
    library.close()
    assert (refused.status_code, thumbnail.status_code, answered.status_code) == (409, 409, 200)
    assert "still being indexed" in refused.json()["detail"]
    assert dataset["status_new"] == "INDEXING"
    assert dataset["indexing"] == {"stage": "scanning", "done": 0, "total": None}


async def test_a_folder_that_went_away_is_an_error_that_says_so(folder: Path, tmp_path: Path) -> None:
    async with serving(FolderDataset("pets", (folder,)), cache=tmp_path / "cache") as client:
        shutil.move(folder, tmp_path / "moved")
        dataset = await only_dataset(client)
        response = await client.get(f"/explore/{dataset['id']}")
        described = (await client.get(f"/dataset/{dataset['id']}")).json()
    assert response.status_code == 409
    assert "pets" in response.json()["detail"]
    assert described["status_new"] == "ERROR"
    assert described["fatal_error_msg"]


@pytest.mark.parametrize("swap", ["file for a link", "folder for a link", "file for another"])
async def test_a_thumbnail_opens_nothing_but_the_file_that_was_indexed(tmp_path: Path, swap: str) -> None:
    indexed = tmp_path / "home" / "pets" / "cat.jpg"
    indexed.parent.mkdir(parents=True)
    indexed.write_bytes(jpeg_bytes(scene(1)))
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "cat.jpg").write_bytes(jpeg_bytes(scene(9)))
    async with serving(FolderDataset("home", (tmp_path / "home",)), cache=tmp_path / "cache") as client:
        dataset = await only_dataset(client)
        page = (await client.get(f"/explore/{dataset['id']}")).json()
        uri = page["clusters"][0]["previews"][0]["media_thumb_uri"].removeprefix("/api/v1")
        assert (await client.get(uri)).status_code == 200
        if swap == "folder for a link":
            shutil.rmtree(indexed.parent)
            indexed.parent.symlink_to(secret)
        elif swap == "file for a link":
            indexed.unlink()
            indexed.symlink_to(secret / "cat.jpg")
        else:
            indexed.write_bytes((secret / "cat.jpg").read_bytes())
        response = await client.get(uri)
    assert response.status_code == 404
    assert "can no longer be shown" in response.json()["detail"]


@pytest.mark.parametrize(
    ("served", "complaint"),
    [
        ([], "no folder is served"),
        ([("a", ["missing"])], "there is no folder"),
        ([("a", ["pets/cat.jpg"])], "is not a folder"),
        ([("a", [])], "has no folder"),
        ([("a", ["pets"]), ("a", ["other"])], "two datasets are called 'a'"),
        ([("a", ["pets"]), ("b", ["pets"])], "is served twice"),
        ([("a", ["pets", "link to pets"])], "is served twice"),
        ([("a", [".", "pets"])], "lies inside another folder"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_to_do(
    folder: Path, served: list[tuple[str, list[str]]], complaint: str
) -> None:
    base = folder.parent
    (base / "other").mkdir()
    (base / "link to pets").symlink_to(folder)
    datasets = [FolderDataset(name, tuple(base / place for place in places)) for name, places in served]
    with pytest.raises(EngineError, match=complaint):
        Engine(datasets, EngineSettings(cache_dir=base.parent / "cache"))


def test_building_an_engine_loads_nothing_heavy_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from lookalike_engine import Engine, EngineSettings, FolderDataset

Engine([FolderDataset("pets", (Path(sys.argv[1]),))], EngineSettings(cache_dir=Path(sys.argv[2])))
print(sorted({"numpy", "PIL", "duckdb", "simplejpeg", "pillow_heif", "starlette"} & sys.modules.keys()))
"""
    cache = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(cache)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
    assert not cache.exists()
