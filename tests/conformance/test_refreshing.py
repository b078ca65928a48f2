"""While an index is brought up to date, or cannot be, the last one goes on answering, and says that it is the last."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from lookalike_engine import EngineSettings, FolderDataset
from lookalike_engine.api import create_app
from lookalike_engine.library import Library
from lookalike_tools import (
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    SummaryQuery,
    UniqueQuery,
    find_duplicates,
    find_unique,
    summarize_clusters,
)
from lookalike_tools.errors import RefusedCursor
from tests.pictures import jpeg_bytes, scene

pytestmark = pytest.mark.anyio

EXPLORE = "/explore/{}?duplicate_threshold=0.95"
COUNTS = "/explore/{}/exploration_metadata?duplicate_threshold=0.95"


def write_pair(folder: Path, seed: int) -> None:
    for name in ("", " small"):
        size = (160, 120) if name else (320, 240)
        (folder / f"{seed}{name}.jpg").write_bytes(jpeg_bytes(scene(seed, (320, 240)).resize(size)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    folder.mkdir()
    for seed in (1, 2, 3):
        write_pair(folder, seed)
    return folder


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Iterator[Library]:
    """Looks at the folder at every question."""
    settings = EngineSettings(cache_dir=tmp_path / "cache", workers=2, refresh_after_seconds=-1.0)
    library = Library([FolderDataset("pets", (folder,))], settings)
    yield library
    library.close()


@pytest.fixture
def app(library: Library, tmp_path: Path) -> Any:
    """Waits for a first index, and for no other."""
    return create_app(library, EngineSettings(cache_dir=tmp_path / "cache"), patience=60.0, refresh_patience=0.0)


@asynccontextmanager
async def calling(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://lookalike.invalid/api/v1") as client:
        yield client


async def json_of(client: httpx.AsyncClient, path: str, **params: str) -> Any:
    response = await client.get(path, params=params or None)
    assert response.status_code == 200, response.text
    return response.json()


async def indexed(library: Library) -> str:
    (identifier,) = library.ids()
    library.refresh(identifier)
    await library.ready(identifier, 60.0)
    return identifier


@contextmanager
def held_up(library: Library, tmp_path: Path) -> Iterator[None]:
    """No index can be brought up to date meanwhile."""
    (identifier,) = library.ids()
    with FileLock(tmp_path / "cache" / identifier / "lock"):
        yield


async def test_a_fresh_answer_is_not_marked(library: Library) -> None:
    identifier = await indexed(library)
    async with calling(create_app(library, library._settings)) as client:
        dataset = await json_of(client, f"/dataset/{identifier}")
        page = await json_of(client, EXPLORE.format(identifier))
    assert (dataset["is_refreshing"], dataset["refresh_error"], dataset["indexing"]) == (False, None, None)
    assert dataset["snapshot_created_at"] == dataset["created_at"]
    assert page["metadata"].keys() == {"used_duckdb", "applied_filters", "revision"}


async def test_while_an_index_is_brought_up_to_date_the_last_one_answers_and_says_so(
    library: Library, app: Any, folder: Path, tmp_path: Path
) -> None:
    identifier = await indexed(library)
    async with calling(app) as client:
        with held_up(library, tmp_path):
            write_pair(folder, 4)
            dataset = await json_of(client, f"/dataset/{identifier}")
            page = await json_of(client, EXPLORE.format(identifier))
            counts = await json_of(client, COUNTS.format(identifier))
        await library.ready(identifier, 60.0)
        after = await json_of(client, f"/dataset/{identifier}")
    assert (dataset["status_new"], dataset["is_refreshing"], dataset["n_images"]) == ("READY", True, 6)
    assert dataset["indexing"]["stage"] in {"scanning", "waiting"}
    assert len(page["clusters"]) == counts["cluster_count"] == 3
    for metadata in (page["metadata"], counts["metadata"]):
        assert metadata["is_refreshing"] is True
        assert metadata["snapshot_created_at"] == dataset["snapshot_created_at"]
        assert (metadata["revision"], metadata["refresh_error"]) == (dataset["revision"], None)
    assert (after["n_images"], after["revision"] != dataset["revision"]) == (8, True)


async def test_a_question_about_a_revision_is_answered_from_that_one_while_the_next_replaces_it(
    library: Library, app: Any, folder: Path
) -> None:
    identifier = await indexed(library)
    async with calling(app) as client:
        before = (await json_of(client, f"/dataset/{identifier}"))["revision"]
        await library.ready(identifier, 60.0)
        write_pair(folder, 4)
        await indexed(library)
        now = (await json_of(client, f"/dataset/{identifier}"))["revision"]
        assert before != now
        for revision, clusters in ((before, 3), (now, 4)):
            page = await json_of(client, EXPLORE.format(identifier), revision=revision, duplicate_threshold="0.95")
            assert (page["metadata"]["revision"], len(page["clusters"])) == (revision, clusters)
        refused = await client.get(EXPLORE.format(identifier), params={"revision": "0123456789abcdef"})
    assert refused.status_code == 409
    assert "has changed" in refused.json()["detail"]


async def test_where_a_folder_has_gone_the_last_index_answers_and_says_what_failed(
    library: Library, app: Any, folder: Path, tmp_path: Path
) -> None:
    identifier = await indexed(library)
    shutil.move(folder, tmp_path / "moved")
    async with calling(app) as client:
        await indexed(library)
        dataset = await json_of(client, f"/dataset/{identifier}")
        page = await json_of(client, EXPLORE.format(identifier))
    assert (dataset["status_new"], dataset["fatal_error_msg"], dataset["n_images"]) == ("READY", None, 6)
    for error in (dataset["refresh_error"], page["metadata"]["refresh_error"]):
        assert str(folder) in error
        assert "put it back or stop serving it" in error
    assert len(page["clusters"]) == 3


async def ask(app: Any, **arguments: Any) -> DuplicatesAnswer:
    async with ExploreClient.for_app(app) as explore:
        return await find_duplicates(explore, DuplicatesQuery(**arguments), quiet, 60.0)


async def quiet(_done: float, _total: float | None, _message: str) -> None:
    """Nobody watches."""


async def test_every_tool_answers_from_the_last_index_and_says_so_in_both_channels(
    library: Library, app: Any, folder: Path, tmp_path: Path
) -> None:
    await indexed(library)
    with held_up(library, tmp_path):
        write_pair(folder, 4)
        async with ExploreClient.for_app(app) as explore:
            answers = [
                await find_duplicates(explore, DuplicatesQuery(), quiet, 60.0),
                await find_unique(explore, UniqueQuery(), quiet, 60.0),
                await summarize_clusters(explore, SummaryQuery(), quiet, 60.0),
            ]
    for answer in answers:
        (note,) = [note for note in answer.notes if note.startswith("Answered from the index of 20")]
        assert note in answer.text()
        assert note in answer.structured()["notes"]
        assert (answer.status, answer.structured()["totals"]["images"]) == ("ready", 6)


async def test_a_cursor_works_as_long_as_its_index_answers_and_is_refused_after(
    library: Library, app: Any, folder: Path, tmp_path: Path
) -> None:
    identifier = await indexed(library)
    with held_up(library, tmp_path):
        write_pair(folder, 4)
        first = await ask(app, limit=2)
        second = await ask(app, limit=2, cursor=first.next_cursor)
    assert first.clusters is not None
    assert second.clusters is not None
    assert (len(first.clusters), len(second.clusters), second.next_cursor) == (2, 1, None)
    await library.ready(identifier, 60.0)
    with pytest.raises(RefusedCursor, match="has changed since this cursor was given"):
        await ask(app, limit=2, cursor=first.next_cursor)


async def test_an_answer_after_a_failed_attempt_says_what_failed_and_what_to_do(
    library: Library, app: Any, folder: Path, tmp_path: Path
) -> None:
    await indexed(library)
    shutil.move(folder, tmp_path / "moved")
    await indexed(library)
    answer = await ask(app)
    assert any(note.startswith("Answered from the index of 20") for note in answer.notes)
    assert any("failed" in note and "is not a readable folder any more" in note for note in answer.notes)
    assert "What helps: put it back or stop serving it" in answer.notes
    assert answer.clusters is not None
    assert len(answer.clusters) == 3
    shutil.move(tmp_path / "moved", folder)
    await indexed(library)  # hears of the attempt that was under way
    await indexed(library)
    assert not any("failed" in note for note in (await ask(app)).notes)
