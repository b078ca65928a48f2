"""The engine's call about one picture: what it opens, and how it names what it will not."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from lookalike_engine import Engine, EngineSettings, FolderDataset
from tests.pictures import jpeg_bytes, scene

pytestmark = pytest.mark.anyio

NOTHING = {"n_images": 0, "n_exact": 0, "images": [], "nearest": None}


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two copies of one scene, another scene, and a file outside the served folder."""
    folder = tmp_path / "pets"
    (folder / "old").mkdir(parents=True)
    (folder / "cat.jpg").write_bytes(jpeg_bytes(scene(1, (320, 240))))
    (folder / "old" / "cat.jpg").write_bytes(jpeg_bytes(scene(1, (320, 240)), 60))
    (folder / "dog.jpg").write_bytes(jpeg_bytes(scene(2, (320, 240))))
    (tmp_path / "outside.jpg").write_bytes(jpeg_bytes(scene(1, (320, 240)), 75))
    return folder


class Asked:
    """The one dataset of an engine, asked about pictures."""

    def __init__(self, client: httpx.AsyncClient, dataset: str) -> None:
        self._client = client
        self._address = f"/explore/{dataset}/similar_images"

    async def raw(self, **params: str) -> httpx.Response:
        return await self._client.get(self._address, params=params)

    async def about(self, file: Path, **params: str) -> dict[str, Any]:
        response = await self.raw(anchor_uri=file.as_uri(), **params)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


@asynccontextmanager
async def asking(*folders: Path, cache: Path, **settings: Any) -> AsyncIterator[Asked]:
    engine = Engine([FolderDataset("pets", folders)], EngineSettings(cache_dir=cache, **settings))
    transport = httpx.ASGITransport(engine.app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://lookalike.invalid/api/v1") as client:
            (dataset,) = (await client.get("/datasets")).json()
            yield Asked(client, dataset["id"])
    finally:
        engine.close()


def found(answer: dict[str, Any]) -> list[str]:
    return [image["file_path"] for image in answer["images"]]


async def test_a_file_outside_the_folders_is_compared_only_where_the_settings_say_so(
    pets: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.jpg"
    async with asking(pets, cache=tmp_path / "cache") as asked:
        answer = await asked.about(outside)
        assert answer["anchor"] == {"refusal": "not served"}
        assert {name: answer[name] for name in NOTHING} == NOTHING
        assert (await asked.about(tmp_path / "missing.jpg"))["anchor"] == {"refusal": "not served"}
    async with asking(pets, cache=tmp_path / "cache", checks_any_file=True) as asked:
        answer = await asked.about(outside)
        assert answer["anchor"]["refusal"] is None
        assert answer["anchor"]["file_path"] is None
        assert set(found(answer)) == {"cat.jpg", "old/cat.jpg"}


async def test_a_model_that_is_not_right_is_said_where_the_last_index_is_of_other_signals(
    pets: Path, tmp_path: Path
) -> None:
    async with asking(pets, cache=tmp_path / "cache", signals="hash") as asked:
        assert (await asked.about(pets / "cat.jpg"))["n_images"] == 1
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
    async with asking(pets, cache=tmp_path / "cache", signals=str(tmp_path / "mine.json")) as asked:
        response = await asked.raw(anchor_uri=(pets / "cat.jpg").as_uri())
    assert response.status_code == 409
    assert "mine.json" in response.json()["detail"]
    assert "is not right" in response.json()["detail"]


async def test_a_link_below_the_folders_opens_nothing_outside_them(pets: Path, tmp_path: Path) -> None:
    (pets / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    async with asking(pets, cache=tmp_path / "cache") as asked:
        assert (await asked.about(pets / "link.jpg"))["anchor"] == {"refusal": "not served"}
        roundabout = pets / "old" / ".." / ".." / "outside.jpg"
        assert (await asked.about(roundabout))["anchor"] == {"refusal": "not served"}


async def test_a_file_of_the_dataset_is_left_out_and_named_under_any_of_its_names(pets: Path, tmp_path: Path) -> None:
    os.link(pets / "cat.jpg", pets / "second name.jpg")
    async with asking(pets, cache=tmp_path / "cache") as asked:
        for name in ("cat.jpg", "second name.jpg"):
            answer = await asked.about(pets / name)
            assert answer["anchor"]["file_path"] == "cat.jpg"
            assert found(answer) == ["old/cat.jpg"]
        by_path = (await asked.raw(anchor_path="cat.jpg")).json()
        assert by_path["images"] == (await asked.about(pets / "cat.jpg"))["images"]


async def test_an_image_named_by_its_path_is_compared_as_it_was_indexed_and_no_file_is_opened(
    pets: Path, tmp_path: Path
) -> None:
    async with asking(pets, cache=tmp_path / "cache") as asked:
        assert found((await asked.raw(anchor_path="old/cat.jpg")).json()) == ["cat.jpg"]
        shutil.rmtree(pets)  # not noticed before the folder is looked at again
        assert found((await asked.raw(anchor_path="old/cat.jpg")).json()) == ["cat.jpg"]


async def test_a_path_in_joined_folders_begins_with_the_name_of_one(pets: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "cat.png").write_bytes((pets / "cat.jpg").read_bytes())
    async with asking(pets, more, cache=tmp_path / "cache") as asked:
        answer = await asked.about(more / "cat.png")
        assert answer["anchor"]["file_path"] == "more/cat.png"
        assert found(answer) == ["pets/cat.jpg", "pets/old/cat.jpg"]
        assert answer["images"][0]["exact_copy"] is True


async def test_a_file_whose_name_is_no_unicode_is_named_by_its_uri(pets: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9 #1%20?.jpg")
    odd.write_bytes((tmp_path / "outside.jpg").read_bytes())
    async with asking(pets, cache=tmp_path / "cache", checks_any_file=True) as asked:
        assert set(found(await asked.about(odd))) == {"cat.jpg", "old/cat.jpg"}


async def test_whatever_is_no_picture_is_refused_in_the_same_words(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("root:x:0:0:root:/root:/bin/sh")
    (tmp_path / "empty.jpg").touch()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    there = [tmp_path / name for name in ("text.jpg", "empty.jpg", "pipe.jpg", "loop.jpg", "missing.jpg", "pets")]
    async with asking(pets, cache=tmp_path / "cache", checks_any_file=True) as asked:
        for file in [*there, Path("/dev/zero"), Path("/proc/self/environ")]:
            assert (await asked.about(file))["anchor"] == {"refusal": "no image"}, file
        assert (await asked.raw(anchor_path="../outside.jpg")).json()["anchor"] == {"refusal": "no image"}


async def test_a_picture_that_cannot_be_compared_says_why(pets: Path, tmp_path: Path) -> None:
    whole = (pets / "dog.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "photoshop.jpg").write_bytes(b"8BPS" + bytes(100))
    Image.new("RGB", (200, 200)).save(tmp_path / "wide.png")
    (tmp_path / "heavy.jpg").write_bytes(whole + bytes(100_000))
    ceilings: dict[str, Any] = {"max_pixels": 320 * 240, "max_file_bytes": 100_000}
    async with asking(pets, cache=tmp_path / "cache", checks_any_file=True, **ceilings) as asked:
        refusals = {
            name: (await asked.about(tmp_path / name))["anchor"]["refusal"]
            for name in ("cut.jpg", "photoshop.jpg", "heavy.jpg")
        }
    assert refusals == {"cut.jpg": "truncated", "photoshop.jpg": "unsupported format", "heavy.jpg": "too large"}
    async with asking(pets, cache=tmp_path / "cache", checks_any_file=True, max_pixels=200 * 200 - 1) as asked:
        assert (await asked.about(tmp_path / "wide.png"))["anchor"] == {"refusal": "too large"}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"anchor_uri": "file:///a.jpg", "anchor_path": "a.jpg"},
        {"anchor_uri": "/a.jpg"},
        {"anchor_uri": "https://example.org/a.jpg"},
        {"anchor_uri": "file://elsewhere/share/a.jpg"},
        {"anchor_uri": "file:////elsewhere/share/a.jpg"},
        {"anchor_uri": "file:///a.jpg?b"},
        {"anchor_uri": "file:///a%00.jpg"},
        {"anchor_uri": "file://[a.jpg"},
        {"anchor_path": "cat.jpg", "vql": '[{"uniqueness": {"op": "uniqueness", "value": 0.5}}]'},
        {"anchor_path": "cat.jpg", "duplicate_threshold": "0.5"},
        {"anchor_path": "cat.jpg", "entity_type": "OBJECTS"},
    ],
)
async def test_what_the_call_does_not_take_is_refused(pets: Path, tmp_path: Path, params: dict[str, str]) -> None:
    async with asking(pets, cache=tmp_path / "cache", checks_any_file=True) as asked:
        response = await asked.raw(**params)
    assert response.status_code == 422
    assert response.json()["detail"][0]["msg"]


async def test_more_than_a_page_of_copies_is_paged_and_counted(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(130):
        (frames / f"{number:03}.jpg").write_bytes(jpeg_bytes(scene(1, (96, 64)), comment=str(number)))
    async with asking(frames, cache=tmp_path / "cache") as asked:
        pages = [(await asked.raw(anchor_path="007.jpg", page_number=page)).json() for page in ("0", "1", "2")]
    assert [len(page["images"]) for page in pages] == [100, 29, 0]
    assert {(page["n_images"], page["n_exact"]) for page in pages} == {(129, 129)}
    assert sorted(found(pages[0]) + found(pages[1])) == [f"{n:03}.jpg" for n in range(130) if n != 7]
    assert len({image["cluster_id"] for page in pages for image in page["images"]}) == 1
