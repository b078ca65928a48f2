import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from filelock import FileLock

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import EngineError
from lookalike_engine.library import Library, Status
from tests.pictures import jpeg_bytes, save_set, scene

LONG = 120.0

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(cache_dir=tmp_path / "cache", workers=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_set(tmp_path / "pictures")
    return tmp_path / "pictures"


@pytest.fixture
def library(folder: Path, settings: EngineSettings) -> Iterator[Library]:
    library = Library([FolderDataset("pets", (folder,))], settings)
    yield library
    library.close()


async def test_a_dataset_is_a_draft_until_it_is_asked_for(library: Library, folder: Path) -> None:
    (identifier,) = library.ids()
    state = library.dataset(identifier)
    assert (state.status, state.name, state.root_path, state.snapshot) == (Status.DRAFT, "pets", folder, None)
    library.refresh(identifier)
    assert library.dataset(identifier).status in {Status.INDEXING, Status.READY}
    state = await library.ready(identifier, LONG)
    assert state.status is Status.READY
    assert state.snapshot is not None
    assert state.snapshot.image_count == 22


async def test_a_folder_looked_at_a_moment_ago_is_not_walked_again(library: Library, folder: Path) -> None:
    (identifier,) = library.ids()
    library.refresh(identifier)
    before = await library.ready(identifier, LONG)
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(50)))
    library.refresh(identifier)
    assert (await library.ready(identifier, LONG)).snapshot is before.snapshot


async def test_a_folder_looked_at_too_long_ago_is_walked_again(folder: Path, settings: EngineSettings) -> None:
    library = Library([FolderDataset("pets", (folder,))], replace(settings, refresh_after_seconds=-1.0))
    (identifier,) = library.ids()
    library.refresh(identifier)
    await library.ready(identifier, LONG)
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(50)))
    library.refresh(identifier)
    state = await library.ready(identifier, LONG)
    library.close()
    assert state.snapshot is not None
    assert state.snapshot.image_count == 23


async def test_an_index_left_by_an_earlier_process_is_ready_at_once(
    library: Library, folder: Path, settings: EngineSettings
) -> None:
    (identifier,) = library.ids()
    library.refresh(identifier)
    await library.ready(identifier, LONG)
    another = Library([FolderDataset("pets", (folder,))], settings)
    assert another.dataset(identifier).status is Status.READY


async def test_a_folder_that_disappeared_is_an_error_that_heals(library: Library, folder: Path, tmp_path: Path) -> None:
    (identifier,) = library.ids()
    shutil.move(folder, tmp_path / "elsewhere")
    library.refresh(identifier)
    state = await library.ready(identifier, LONG)
    assert state.status is Status.ERROR
    assert state.error is not None
    assert os.fspath(folder) in state.error
    shutil.move(tmp_path / "elsewhere", folder)
    library.refresh(identifier)
    assert (await library.ready(identifier, LONG)).status is Status.READY


async def test_closing_ends_a_run_and_starts_no_other(folder: Path, settings: EngineSettings) -> None:
    library = Library([FolderDataset("pets", (folder,))], settings)
    (identifier,) = library.ids()
    library.refresh(identifier)
    library.close()
    state = library.dataset(identifier)
    assert state.status in {Status.DRAFT, Status.READY}
    library.refresh(identifier)
    assert library.dataset(identifier).status is state.status


async def test_a_run_that_waits_for_another_process_says_so(library: Library, settings: EngineSettings) -> None:
    (identifier,) = library.ids()
    (settings.cache_dir / identifier).mkdir(parents=True)
    with FileLock(settings.cache_dir / identifier / "lock"):
        library.refresh(identifier)
        with anyio.fail_after(LONG):
            while (progress := library.dataset(identifier).progress) is None or progress.stage != "waiting":
                await library.ready(identifier, 0.05)
    assert (await library.ready(identifier, LONG)).status is Status.READY


async def test_a_cache_that_cannot_be_written_is_an_error_that_names_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the cache should be", encoding="utf-8")
    library = Library([FolderDataset("pets", (folder,))], EngineSettings(cache_dir=tmp_path / "taken"))
    (identifier,) = library.ids()
    library.refresh(identifier)
    state = await library.ready(identifier, LONG)
    library.close()
    assert state.status is Status.ERROR
    assert "taken" in str(state.error)


async def test_waiting_ends_when_the_time_is_up(library: Library) -> None:
    (identifier,) = library.ids()
    assert (await library.ready(identifier, 0.0)).status is Status.DRAFT
    library.refresh(identifier)
    assert (await library.ready(identifier, 0.0)).status in {Status.INDEXING, Status.READY}


async def test_a_cache_among_the_pictures_is_refused_and_a_hidden_one_is_not(tmp_path: Path) -> None:
    dataset = FolderDataset("home", (tmp_path,))
    with pytest.raises(EngineError, match="lies inside"):
        Library([dataset], EngineSettings(cache_dir=tmp_path / "index"))
    Library([dataset], EngineSettings(cache_dir=tmp_path / ".cache" / "lookalike"))
