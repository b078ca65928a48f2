import asyncio
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lookalike_tools import (
    Credentials,
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    SummaryAnswer,
    SummaryQuery,
    find_duplicates,
    summarize_clusters,
)
from lookalike_tools.errors import CannotAnswer, WrongArgument
from tests.explore_servers import Heard, Server, copies, listening, single
from tests.explore_servers.export import Exporting, document, exported, zipped

pytestmark = pytest.mark.anyio

ITEMS = [
    exported("pets/train/a.jpg", "g1", width=800, file_size="20.5KB"),
    exported("pets/train/b.jpg", "g1"),
    exported("pets/test/c.jpg", "g1", file_size="9KB"),
    exported("pets/train/d.jpg", "g2", file_size="1.2MB"),
    exported("pets/test/e.jpg", "g2"),
    exported("pets/train/f.jpg"),
]
TOKEN = "a-ready-token"


def older(images: int = len(ITEMS)) -> Server:
    """An old build: it ignores every filter, so all its clusters come back."""
    return Server([copies("a", 3)], [single("s")], honours=frozenset(), dataset={"n_images": images})


async def ask(exporting: Exporting, server: Server | None = None, **arguments: Any) -> DuplicatesAnswer:
    with exporting.listening(server or older()) as url:
        async with ExploreClient.for_server(url, Credentials(token=TOKEN)) as explore:
            return await find_duplicates(explore, DuplicatesQuery(**arguments), Heard(), 0)


async def summary(exporting: Exporting, server: Server | None = None, **arguments: Any) -> SummaryAnswer:
    with exporting.listening(server or older()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await summarize_clusters(explore, SummaryQuery(**arguments), Heard(), 0)


async def test_without_a_folder_for_temporary_files_the_answer_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(CannotAnswer, match="cannot be kept in the folder for temporary files"):
        await ask(Exporting(zipped(document(ITEMS))))


async def test_where_the_filter_is_ignored_the_groups_come_from_the_export_and_the_answer_says_so() -> None:
    answer = await ask(Exporting(zipped(document(ITEMS))))
    assert answer.structured()["clusters"] == [
        {
            "id": "g1",
            "n": 3,
            "keep": "train/a.jpg",
            "why": "800×480, largest",
            "others": [{"path": "train/b.jpg"}, {"path": "test/c.jpg"}],
            "others_more": 0,
        },
        {
            "id": "g2",
            "n": 2,
            "keep": "train/d.jpg",
            "why": "largest file",
            "others": [{"path": "test/e.jpg"}],
            "others_more": 0,
        },
    ]
    assert answer.similarity is None
    assert answer.complete
    assert answer.folder == "pets"
    assert answer.notes[0] == (
        "The groups come from the server's export, because it does not cluster by the duplicates filter; they were made"
        " at its own setting, not at similarity 0.95"
    )
    assert "2 duplicate clusters. 5 images clustered, 1 single; 3 removable" in answer.text()


async def test_bytes_that_can_go_are_the_least_that_rounded_sizes_allow() -> None:
    answer = await ask(Exporting(zipped(document(ITEMS))))
    assert answer.totals is not None
    assert answer.totals.bytes_removable == (13_805 + 8_500) + 13_805
    assert any("the least it can be" in note for note in answer.notes)


async def test_bytes_that_can_go_are_unknown_where_one_size_is() -> None:
    answer = await ask(Exporting(zipped(document([*ITEMS[:-1], exported("x.jpg", "g2", file_size="large")]))))
    assert answer.totals is not None
    assert answer.totals.bytes_removable is None


async def test_a_plain_json_file_is_read_like_a_zip() -> None:
    answer = await ask(Exporting(document(ITEMS)))
    assert [it.id for it in answer.clusters or ()] == ["g1", "g2"]


async def test_issues_described_in_their_properties_are_understood() -> None:
    nested = [
        {**it, "metadata_items": [{"type": "issue", "properties": issue} for issue in it["metadata_items"]]}
        for it in ITEMS
    ]
    answer = await ask(Exporting(document(nested)))
    assert [it.n for it in answer.clusters or ()] == [3, 2]


async def test_the_download_carries_neither_credential_nor_cookie_and_follows_the_redirect() -> None:
    exporting = Exporting(zipped(document(ITEMS)))
    await ask(exporting)
    assert exporting.started[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert [it.url.path for it in exporting.fetched] == ["/signed/export.zip", "/kept/export.zip"]
    assert all("authorization" not in it.headers and "cookie" not in it.headers for it in exporting.fetched)


async def test_images_that_the_server_is_less_sure_of_are_left_out_and_counted() -> None:
    items = [
        exported("a.jpg", "g1", 0.99),
        exported("b.jpg", "g1", 0.96),
        exported("c.jpg", "g1", 0.90),
        exported("d.jpg", "g2", 0.99),
        exported("e.jpg", "g2", 0.80),
        exported("f.jpg", "g3"),
        exported("g.jpg", "g4", None),
        exported("h.jpg", "g4", None),
    ]
    answer = await ask(Exporting(document(items)), older(8))
    assert {it.id: it.n for it in answer.clusters or ()} == {"g1": 2, "g4": 2}
    assert "2 images of the export left out: the server's confidence is below 0.95" in answer.notes
    assert "1 group of the export left out: fewer than two of its images were left" in answer.notes
    assert "1 group of the export left out: it has one image only" in answer.notes


async def test_entries_that_cannot_be_read_are_left_out_and_make_the_answer_incomplete() -> None:
    odd = [
        17,
        "text",
        None,
        exported("x.jpg", "g1", media_id=None),
        exported("x.jpg", "g1", width="wide"),
        exported("x.jpg", "g1", metadata_items="none"),
        exported("x.jpg", "g1", confidence="sure"),
        exported("x.jpg", "g1", confidence=97.5),
        exported("x.jpg", group="../../etc"),
        exported("x.jpg", "g1", file_name=["x"]),
    ]
    answer = await ask(Exporting(document([*ITEMS, *odd])))
    assert [it.n for it in answer.clusters or ()] == [3, 2]
    assert "Entries of the export left out as unreadable: 10" in answer.notes
    assert not answer.complete


async def test_an_image_that_comes_twice_is_counted_once_and_said() -> None:
    answer = await ask(Exporting(document([*ITEMS, ITEMS[0], {**ITEMS[5], "metadata_items": []}])))
    assert [it.n for it in answer.clusters or ()] == [3, 2]
    assert "Entries of the export that repeat an image, each image counted once: 2" in answer.notes


async def test_an_image_in_several_groups_counts_in_the_first_and_video_frames_are_left_out() -> None:
    twice = exported("z.jpg", "g1")
    twice["metadata_items"].append(exported("z.jpg", "g2")["metadata_items"][-1])
    answer = await ask(Exporting(document([*ITEMS, twice, exported("v.jpg", "g2", media_type="frame")])), older(7))
    assert {it.id: it.n for it in answer.clusters or ()} == {"g1": 4, "g2": 2}
    assert "Images in several groups of the export, of which the first counts: 1" in answer.notes
    assert "Video frames of the export left out: 1" in answer.notes


async def test_an_export_of_fewer_images_than_the_dataset_has_is_incomplete() -> None:
    answer = await ask(Exporting(document(ITEMS)), older(60))
    assert not answer.complete
    assert answer.totals is not None
    assert answer.totals.single is None
    assert any("60 images in the dataset, and 6 in its export" in note for note in answer.notes)


async def test_an_export_that_announces_more_than_it_holds_is_incomplete() -> None:
    answer = await ask(Exporting(document(ITEMS, total_media_items=50)))
    assert "The export announces 50 entries and holds 6" in answer.notes
    assert not answer.complete


@pytest.mark.parametrize("end", ["REJECTED", "FAILED"])
async def test_an_export_that_fails_is_named_with_the_reason_made_harmless(end: str) -> None:
    exporting = Exporting(end=end, message="quota\u202e exceeded\n" + "x" * 5_000)
    with pytest.raises(CannotAnswer, match="its export was tried too") as caught:
        await ask(exporting)
    assert r"quota\\u202e exceeded\\x0ax" in str(caught.value)
    assert "x" * 100 not in str(caught.value)
    assert caught.value.todo.endswith("A newer Explore server is needed, or another value may tell")


async def test_an_export_that_is_not_done_yet_is_to_be_asked_for_again_and_nothing_else_is_advised() -> None:
    with Exporting(polls=1_000).listening(older()) as url:
        async with ExploreClient.for_server(url, deadline=6) as explore:
            with pytest.raises(CannotAnswer, match="not done in time") as caught:
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert caught.value.todo == "Ask again in a minute"


async def test_a_server_without_an_export_still_says_that_it_was_tried() -> None:
    with listening(older().app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(CannotAnswer, match=r"its export was tried too: .* gives no export"):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "is no JSON"),
        (b"<html>not an export</html>", "is no JSON"),
        (document(ITEMS)[:-40], "breaks off"),
        (b'{"media_items": {"media_id": "x"}}', "lists no images"),
        (b'{"images": []}', "lists no images"),
        (b"[" * 100_000, "nested"),
        (b'{"media_items": [{"a": ' + b"[" * 1_000_000, "nested"),
        (b'{"media_items": [{"media_id": "' + b"x" * (5 << 20) + b'"}]}', "larger or more deeply"),
        (zipped(document(ITEMS))[:-30], "ZIP archive"),
        (zipped(document(ITEMS), "a.json", "b.json"), "holds 2 JSON files"),
        (zipped(document(ITEMS), "readme.txt"), "holds 0 JSON files"),
        (zipped(document(ITEMS), packing=zipfile.ZIP_LZMA), "uncommon way"),
        (zipped(b" " * (80 << 20)), "unpacks to more"),
        (zipped(b"", *(f"{number}.txt" for number in range(20_000))), "more files than"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_file_that_is_no_export_is_refused_and_nothing_is_reported(file: bytes, why: str) -> None:
    with pytest.raises(CannotAnswer, match=why):
        await ask(Exporting(file))


async def test_the_export_is_read_once_while_the_dataset_looks_the_same() -> None:
    exporting, server = Exporting(zipped(document(ITEMS))), older()
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url) as explore:
            for _ in range(3):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
            assert len(exporting.started) == 1


async def test_a_changed_dataset_is_exported_anew() -> None:
    exporting, server = Exporting(zipped(document(ITEMS))), older()
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url) as explore:
            for images in (6, 7):
                server.dataset["n_images"] = images
                # The list of datasets is kept for a minute, one dataset's description is not.
                await explore.datasets(fresh=True)
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert len(exporting.started) == 2


async def test_a_caller_that_gives_up_while_the_export_is_under_way_leaves_nothing_behind() -> None:
    exporting = Exporting(zipped(document(ITEMS)), polls=1_000)
    waiting = asyncio.Event()

    async def progress(_done: float, _total: float | None, message: str) -> None:
        if "waiting for the server's export" in message:
            waiting.set()

    with exporting.listening(older()) as url:
        async with ExploreClient.for_server(url) as explore:
            before = asyncio.all_tasks()
            question = asyncio.create_task(find_duplicates(explore, DuplicatesQuery(), progress, 0))
            await waiting.wait()
            question.cancel()
            with pytest.raises(asyncio.CancelledError):
                await question
            assert asyncio.all_tasks() == before
            exporting.polls = 0
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.shown == 2
    assert len(exporting.started) == 1


async def test_two_questions_at_once_share_one_export() -> None:
    exporting, server = Exporting(zipped(document(ITEMS))), older()
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url) as explore:
            questions = (find_duplicates(explore, DuplicatesQuery(), Heard(), 0) for _ in range(2))
            answers = await asyncio.gather(*questions)
    assert [answer.shown for answer in answers] == [2, 2]
    assert len(exporting.started) == 1


async def test_an_export_that_failed_is_not_started_again_at_once() -> None:
    exporting, server = Exporting(end="FAILED", message="no space"), older()
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url) as explore:
            for _ in range(2):
                with pytest.raises(CannotAnswer, match="no space"):
                    await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert len(exporting.started) == 1


async def test_an_export_that_is_not_done_in_time_is_waited_for_by_the_next_question() -> None:
    exporting, server = Exporting(zipped(document(ITEMS)), polls=1_000), older()
    heard = Heard()
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url, deadline=3) as explore:
            with pytest.raises(CannotAnswer, match="not done in time") as caught:
                await find_duplicates(explore, DuplicatesQuery(), heard, 0)
            exporting.polls = 0
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert "Ask again" in str(caught.value)
    assert answer.totals is not None
    assert len(exporting.started) == 1
    assert any("waiting for the server's export" in message for _, _, message in heard.reports)


async def test_an_export_that_takes_too_long_to_read_ends_with_the_question() -> None:
    endless = b'{"media_items": [{"media_id": "1"}' + b',{"media_id": "1"}' * 3_500_000 + b"]}"
    with Exporting(zipped(endless), polls=1).listening(older()) as url:
        async with ExploreClient.for_server(url, deadline=3) as explore:
            with pytest.raises(CannotAnswer, match="too large to be read in the time of one question"):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


async def test_pages_of_the_export_go_on_where_the_page_before_ended() -> None:
    exporting, server = Exporting(document(ITEMS)), older()
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url) as explore:
            first = await find_duplicates(explore, DuplicatesQuery(limit=1), Heard(), 0)
            second = await find_duplicates(explore, DuplicatesQuery(limit=1, cursor=first.next_cursor), Heard(), 0)
    assert [it.id for answer in (first, second) for it in answer.clusters or ()] == ["g1", "g2"]
    assert second.next_cursor is None


async def test_a_cursor_of_the_export_is_of_no_use_where_the_filter_is_honoured() -> None:
    first = await ask(Exporting(document(ITEMS)), limit=1)
    with pytest.raises(WrongArgument, match="has changed"):
        await ask(Exporting(document(ITEMS)), Server([copies("a")], [single("s")]), cursor=first.next_cursor)


async def test_a_summary_of_the_export_counts_every_member_and_no_thresholds() -> None:
    answer = await summary(Exporting(document(ITEMS)), group_by="folder")
    assert answer.thresholds is None
    assert answer.similarity is None
    assert [it.model_dump() for it in answer.sizes or ()] == [{"n": 2, "clusters": 1}, {"n": 3, "clusters": 1}]
    assert [it.model_dump() for it in answer.groups or ()] == [
        {"name": "train", "images": 3, "removable": 1},
        {"name": "test", "images": 2, "removable": 0},
    ]
    assert [it.model_dump() for it in answer.across or ()] == [{"a": "test", "b": "train", "clusters": 2}]
    assert not any("sample" in note for note in answer.notes)


async def test_labels_of_an_export_are_refused_by_name() -> None:
    with pytest.raises(WrongArgument, match="labels are not read"):
        await summary(Exporting(document(ITEMS)), group_by="label")


async def test_names_in_an_export_are_made_harmless() -> None:
    items = [exported("a\u202e\n.jpg", "g1"), exported("b.jpg\U000e0041", "g1")]
    answer = await ask(Exporting(document(items)), older(2))
    assert r"\u202e\x0a" in answer.text()
    assert "\u202e" not in answer.text()
    assert "\U000e0041" not in answer.text()


async def test_an_export_without_duplicates_is_an_answer() -> None:
    answer = await ask(Exporting(document([exported("a.jpg"), exported("b.jpg")])), older(2))
    assert answer.clusters == []
    assert answer.notes[-1] == "The server's export holds no such duplicates"
