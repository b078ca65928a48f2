"""What an answer says where it is from the last index, and a newer one is being made or could not be."""

from typing import Any

import pytest

from lookalike_tools.duplicates import find_duplicates
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.queries import DuplicatesQuery
from tests.explore_servers.contents import engine_copies
from tests.explore_servers.hearing import Heard
from tests.explore_servers.server import engine

pytestmark = pytest.mark.anyio

MADE = "2026-11-26T14:02:31+00:00"


async def notes(**dataset: Any) -> list[str]:
    server = engine([engine_copies(["a.jpg", "b.jpg"])])
    server.dataset |= {"status_new": "READY", "snapshot_created_at": MADE, **dataset}
    async with ExploreClient.for_app(server.app()) as explore:
        answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.status == "ready"
    assert answer.clusters is not None
    assert len(answer.clusters) == 1
    assert all(note in answer.text() for note in answer.structured()["notes"])
    others = ("Skipped", "Only")
    return [note for note in answer.notes if not note.startswith(others)]


def at(stage: str, done: int = 0, total: int | None = None) -> dict[str, Any]:
    return {"is_refreshing": True, "indexing": {"stage": stage, "done": done, "total": total}}


@pytest.mark.parametrize(
    ("dataset", "how_far"),
    [
        (at("decoding", 1204, 5000), "1,204 of 5,000 files of a newer one are read"),
        (at("decoding", 1204), "1,204 files of a newer one are read"),
        (at("scanning", 7), "the folders are being looked through for changes"),
        (at("queued"), "another dataset is indexed first"),
        (at("waiting"), "another process is indexing the same folders"),
        (at("comparing", 1, 9), "the images of a newer one are being compared"),
        (at("publishing"), "a newer one is being written"),
        (at("a stage of a later version"), "a newer one is being made"),
        ({"is_refreshing": True, "indexing": None}, "a newer one is being made"),
    ],
)
async def test_an_answer_from_the_last_index_says_how_far_the_next_one_is(
    dataset: dict[str, Any], how_far: str
) -> None:
    assert await notes(**dataset) == [f"Answered from the index of 2026-11-26 14:02 UTC; {how_far}"]


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        ("2026-11-26T23:30:00-05:00", "the index of 2026-11-27 04:30 UTC"),
        ("2026-11-26T14:02:31", "the index of 2026-11-26 14:02 UTC"),
        (None, "the last index"),
    ],
)
async def test_when_the_index_was_made_is_said_in_utc_where_it_is_known(made: str | None, shown: str) -> None:
    (note,) = await notes(**at("publishing"), snapshot_created_at=made)
    assert note == f"Answered from {shown}; a newer one is being written"


async def test_what_failed_is_said_with_what_to_do() -> None:
    failed = "the index in /cache could not be written (No space left on device); make room there"
    from_when, what, todo = await notes(refresh_error=failed)
    assert from_when == "Answered from the index of 2026-11-26 14:02 UTC"
    assert what.endswith("the index in /cache could not be written (No space left on device)")
    assert todo == "What helps: make room there"


async def test_what_failed_the_last_time_is_said_while_it_is_tried_again() -> None:
    from_when, what = await notes(**at("publishing"), refresh_error="the engine failed")
    assert from_when == "Answered from the index of 2026-11-26 14:02 UTC; a newer one is being written"
    assert what == "The last attempt to bring it up to date failed: the engine failed"


async def test_an_up_to_date_answer_says_nothing_of_its_index() -> None:
    assert await notes() == []
