"""find_duplicates asked about one image, as a model asks and reads it."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bpe_openai import get_encoding
from filelock import FileLock
from mcp import Client
from PIL import Image, ImageOps

from lookalike_engine import Engine, EngineSettings, FolderDataset
from lookalike_tools import DuplicatesQuery, ExploreClient, UntrustedText, find_duplicates
from lookalike_tools.untrusted import named
from tests.explore_servers import Heard, Server, copies, listening, single
from tests.pictures import jpeg_bytes, scene, tree_digest
from tests.server.conversation import ERAS, Era, conversation, facts_of, text_of

pytestmark = pytest.mark.anyio

CAT = (320, 240)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two near copies of a cat, a dog, a fish."""
    folder = tmp_path / "pets"
    (folder / "old").mkdir(parents=True)
    scene(1, CAT).save(folder / "cat.png")
    (folder / "old" / "cat.jpg").write_bytes(jpeg_bytes(scene(1, CAT), 70))
    (folder / "dog.jpg").write_bytes(jpeg_bytes(scene(2, CAT)))
    (folder / "fish.jpg").write_bytes(jpeg_bytes(scene(3, CAT)))
    return folder


@dataclass
class Asked:
    client: Client

    async def about(self, image: Path | str, **arguments: Any) -> tuple[dict[str, Any], str]:
        result = await self.client.call_tool("find_duplicates", {"image": str(image), **arguments})
        return facts_of(result), text_of(result)

    async def refused(self, image: Path | str, **arguments: Any) -> str:
        result = await self.client.call_tool("find_duplicates", {"image": str(image), **arguments})
        assert result.is_error
        return text_of(result)


@asynccontextmanager
async def asking(folder: Path, era: Era = "auto") -> AsyncIterator[Asked]:
    async with conversation([str(folder)], folder.parent / "cache", era=era) as client:
        yield Asked(client)


def paths(facts: dict[str, Any]) -> list[str]:
    return [match["path"] for match in facts["checked"]["matches"]]


@pytest.mark.parametrize("era", ERAS)
async def test_a_new_file_is_compared_with_a_dataset_that_was_not_indexed_before(
    pets: Path, tmp_path: Path, era: Era
) -> None:
    (tmp_path / "new.jpg").write_bytes(jpeg_bytes(scene(1, CAT), 50))
    before = tree_digest(pets)
    async with asking(pets, era) as asked:
        facts, text = await asked.about(tmp_path / "new.jpg")
    assert set(paths(facts)) == {"cat.png", "old/cat.jpg"}
    assert facts["status"] == "ready"
    assert (facts["checked"]["alike"], facts["checked"]["exact"], facts["checked"]["images"]) == (2, 0, 4)
    assert facts["folder"] == str(pets)
    assert "2 images alike at similarity ≥ 0.95, 0 of them pixel-equal, of 4 images" in text
    assert tree_digest(pets) == before


async def test_an_exact_copy_is_told_from_a_near_one(pets: Path, tmp_path: Path) -> None:
    scene(1, CAT).save(tmp_path / "other format.bmp")
    (tmp_path / "same bytes.jpg").write_bytes((pets / "old" / "cat.jpg").read_bytes())
    async with asking(pets) as asked:
        (first, second), text = (await asked.about(tmp_path / "other format.bmp"))[0]["checked"]["matches"], ""
        bytes_facts, text = await asked.about(tmp_path / "same bytes.jpg")
    assert (first["path"], first["similarity"]) == ("cat.png", 1.0)
    assert second["path"] == "old/cat.jpg"
    assert 0.95 <= second["similarity"] < 1
    assert paths(bytes_facts) == ["old/cat.jpg", "cat.png"]
    assert bytes_facts["checked"]["exact"] == 1
    assert "old/cat.jpg  exact  320×240  cluster " in text


@pytest.mark.parametrize(
    ("turn", "relation"),
    [
        (ImageOps.mirror, "mirrored"),
        (lambda image: image.rotate(90, expand=True), "rotated"),
        (lambda image: ImageOps.mirror(image.rotate(90, expand=True)), "mirrored and rotated"),
    ],
)
async def test_a_turned_copy_says_how_it_is_turned(pets: Path, tmp_path: Path, turn: Any, relation: str) -> None:
    (tmp_path / "turned.jpg").write_bytes(jpeg_bytes(turn(scene(2, CAT))))
    async with asking(pets) as asked:
        facts, text = await asked.about(tmp_path / "turned.jpg")
    (match,) = facts["checked"]["matches"]
    assert (match["path"], match["relation"]) == ("dog.jpg", relation)
    assert "cluster" not in match
    assert f" {relation}  320×240" in text


async def test_the_cluster_of_a_match_is_the_one_that_find_duplicates_lists(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "new.jpg").write_bytes(jpeg_bytes(scene(1, CAT), 50))
    async with asking(pets) as asked:
        facts, _ = await asked.about(tmp_path / "new.jpg")
        (cluster,) = facts_of(await asked.client.call_tool("find_duplicates", {}))["clusters"]
    assert {match["cluster"] for match in facts["checked"]["matches"]} == {cluster["id"]}


async def test_a_picture_unlike_all_is_told_what_is_nearest(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "new.jpg").write_bytes(jpeg_bytes(scene(77, CAT)))
    async with asking(pets) as asked:
        facts, text = await asked.about(tmp_path / "new.jpg")
    checked = facts["checked"]
    assert (checked["alike"], checked["matches"]) == (0, [])
    assert checked["nearest"]["similarity"] < 0.95
    assert "nearest" in text.splitlines()[-1]
    assert any("the nearest is at" in note for note in facts["notes"])


async def test_a_picture_without_detail_says_that_it_cannot_be_compared(pets: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")
    async with asking(pets) as asked:
        facts, _ = await asked.about(tmp_path / "white.png")
    assert "nearest" not in facts["checked"]
    assert any("too little detail" in note for note in facts["notes"])


async def test_an_image_of_the_dataset_is_not_its_own_copy(pets: Path) -> None:
    async with asking(pets) as asked:
        for image in (pets / "cat.png", "cat.png", (pets / "cat.png").as_uri()):
            facts, text = await asked.about(image)
            assert facts["checked"]["itself"] == "cat.png"
            assert paths(facts) == ["old/cat.jpg"]
            assert "It is itself cat.png of this dataset." in text


async def test_a_link_and_a_path_from_home_lead_to_the_image(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.jpg").write_bytes(jpeg_bytes(scene(2, CAT), 50))
    (tmp_path / "link").symlink_to(tmp_path / "new.jpg")
    monkeypatch.setenv("HOME", str(tmp_path))
    async with asking(pets) as asked:
        for image in ("~/new.jpg", tmp_path / "link"):
            assert paths((await asked.about(image))[0]) == ["dog.jpg"]


async def test_the_limit_counts_matches_and_the_rest_is_counted(pets: Path, tmp_path: Path) -> None:
    for number in range(30):
        (pets / f"frame {number}.jpg").write_bytes(jpeg_bytes(scene(2, CAT), comment=str(number)))
    (tmp_path / "new.jpg").write_bytes(jpeg_bytes(scene(2, CAT)))
    async with asking(pets) as asked:
        facts, text = await asked.about(tmp_path / "new.jpg", limit=7)
    assert len(paths(facts)) == facts["shown"] == 7
    assert (facts["checked"]["alike"], facts["checked"]["exact"], facts["checked"]["more"]) == (31, 31, 24)
    assert "Not listed: 24 more." in text


def leaves(value: Any) -> list[Any]:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return [value] if parts is None else [leaf for part in parts for leaf in leaves(part)]


@pytest.mark.parametrize(("seed", "turned"), [(1, False), (2, True), (77, False)])
async def test_every_fact_of_the_structured_channel_is_in_the_text(
    pets: Path, tmp_path: Path, seed: int, *, turned: bool
) -> None:
    picture = scene(seed, (400, 300))
    (tmp_path / "a  new, one.jpg").write_bytes(jpeg_bytes(ImageOps.mirror(picture) if turned else picture))
    async with asking(pets) as asked:
        facts, text = await asked.about(tmp_path / "a  new, one.jpg")
    for leaf in leaves(facts):
        spellings = (
            {f"{leaf:.2f}", f"{leaf:,}"} if isinstance(leaf, int | float) else {leaf, named(UntrustedText(leaf))}
        )
        assert leaf in {0, 1} or any(spelling in text for spelling in spellings), (leaf, text)


async def test_a_hundred_matches_hold_the_budget_in_both_channels(pets: Path, tmp_path: Path) -> None:
    place = pets / "a folder with a rather long name" / "and another one below it"
    place.mkdir(parents=True)
    for number in range(110):
        name = f"holiday in the mountains, family portrait {number} (edited copy).jpg"
        (place / name).write_bytes(jpeg_bytes(scene(5, (96, 64)), comment=str(number)))
    (tmp_path / "new.jpg").write_bytes(jpeg_bytes(scene(5, (96, 64))))
    count = get_encoding("o200k_base").encode_ordinary
    async with asking(pets) as asked:
        for limit, budget in ((20, 2000), (100, 8000)):
            facts, text = await asked.about(tmp_path / "new.jpg", limit=limit)
            assert len(count(text)) <= budget
            assert len(count(json.dumps(facts, ensure_ascii=False, separators=(",", ":")))) <= budget
            assert facts["shown"] >= limit // 2


async def test_no_image_is_refused_without_telling_what_is_there(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter2-hunter2")
    os.mkfifo(tmp_path / "pipe")
    async with asking(pets) as asked:
        said = {
            (await asked.refused(file)).replace(str(file), "…")
            for file in (tmp_path / "secret.txt", tmp_path / "pipe", tmp_path / "missing", tmp_path, "/dev/tty")
        }
    (words,) = said
    assert "There is no image at" in words
    assert "Give the full path" in words


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("no/such/image.jpg", "There is no image at"),
        ("../outside.jpg", "There is no image at"),
        ("~no-such-user/x.jpg", "There is no image at"),
        ("/nul\x00.jpg", "There is no image at"),
        ("file://elsewhere/share/x.jpg", "on another machine"),
        ("file:///x.jpg?y", "no file:// URI of a file"),
        ("file://", "no file:// URI of a file"),
    ],
)
async def test_a_path_that_leads_to_no_image_says_what_to_give(pets: Path, image: str, said: str) -> None:
    async with asking(pets) as asked:
        assert said in await asked.refused(image)


async def test_a_damaged_image_and_one_of_another_format_say_so(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(jpeg_bytes(scene(1, CAT))[:2000])
    (tmp_path / "layers.jpg").write_bytes(b"8BPS" + bytes(100))
    async with asking(pets) as asked:
        assert "cut short or damaged" in await asked.refused(tmp_path / "cut.jpg")
        assert "format that is not read" in await asked.refused(tmp_path / "layers.jpg")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cursor": "abc"}, "Leave cursor out"),
        ({"entity_type": "OBJECTS"}, "Leave entity_type out"),
        ({"similarity": 0.5}, "0.70"),
    ],
)
async def test_what_does_not_go_with_an_image_is_refused_by_name(
    pets: Path, arguments: dict[str, Any], said: str
) -> None:
    async with asking(pets) as asked:
        assert said in await asked.refused("cat.png", **arguments)


async def test_a_server_cannot_be_asked_about_a_file_of_this_machine(tmp_path: Path) -> None:
    server = Server([copies("a")], [single("s")])
    with listening(server.app()) as url:
        async with conversation([], tmp_path / "cache", base_url=url) as client:
            result = await client.call_tool("find_duplicates", {"image": str(tmp_path / "new.jpg")})
    assert result.is_error
    assert "cannot compare an image file of this machine" in text_of(result)
    assert "Leave image out" in text_of(result)
    assert not any("new.jpg" in str(request) for request in server.requests)


async def test_while_the_dataset_is_being_indexed_the_answer_says_so(pets: Path, tmp_path: Path) -> None:
    engine = Engine([FolderDataset("pets", (pets,))], EngineSettings(cache_dir=tmp_path / "cache"))
    try:
        async with ExploreClient.for_app(engine.app) as explore:
            (dataset,) = await explore.datasets()
            (tmp_path / "cache" / dataset.id).mkdir(parents=True)
            with FileLock(tmp_path / "cache" / dataset.id / "lock"):
                answer = await find_duplicates(explore, DuplicatesQuery(image="cat.png"), Heard(), 0)
    finally:
        engine.close()
    assert answer.status == "indexing"
    assert answer.checked is None
    assert not any("progress" in note for note in answer.notes)  # a folder is counted in files, never in percent
