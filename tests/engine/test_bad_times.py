"""Disks that are full or read-only, folders that cannot be read, files that change, clocks that jump, damage.

Each time: what happened is said, with what to do, and the last good index goes on answering.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import SnapshotError
from lookalike_engine.indexing import index
from lookalike_engine.library import DatasetState, Library, Status
from lookalike_engine.snapshot import Snapshot, current_snapshot
from tests.engine.private_disk import run_with_disk
from tests.pictures import jpeg_bytes, save_many, scene

pytestmark = pytest.mark.anyio

LONG = 120.0

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX limits and users")

HELPERS = """
import asyncio, json, os, shutil, sys
from pathlib import Path
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.library import Library

pictures, more, cache = (Path(argument) for argument in sys.argv[1:4])
settings = EngineSettings(cache_dir=cache, workers=2, refresh_after_seconds=-1.0)

def add(first, last):
    for number in range(first, last):
        shutil.copyfile(more / f"{number:04}.jpg", pictures / f"{number:04}.jpg")

def ask(library):
    (identifier,) = library.ids()
    library.refresh(identifier)
    state = asyncio.run(library.ready(identifier, 120))
    images = state.snapshot and state.snapshot.image_count
    rows = state.snapshot and len(state.snapshot.rows(range(images)))
    print(json.dumps([state.status, images, rows, state.error]), flush=True)
"""

FULL_DISK = (
    HELPERS
    + """
add(0, 3)
library = Library([FolderDataset("pets", (pictures,))], settings)
ask(library)
with open(cache / "filler", "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(4096))
    except OSError:
        pass
add(3, int(sys.argv[4]))
ask(library)
ask(Library([FolderDataset("pets", (pictures,))], settings))
leftovers = [path.name for path in cache.rglob("writing*")]
os.unlink(cache / "filler")
ask(library)
print(json.dumps(leftovers))
library.close()
"""
)

NEARLY_FULL_DISK = (
    HELPERS
    + """
add(0, 3)
library = Library([FolderDataset("pets", (pictures,))], settings)
ask(library)
add(3, 12)
for free in range(4, 60, 8):
    with open(cache / "filler", "wb", buffering=0) as filler:
        disk = os.statvfs(cache)
        filler.write(bytes((disk.f_bavail - free) * disk.f_frsize))
    ask(library)
    os.unlink(cache / "filler")
ask(library)
library.close()
"""
)

SMALL_FILES_ONLY = (
    HELPERS
    + """
import resource
add(0, 3)
library = Library([FolderDataset("pets", (pictures,))], settings)
ask(library)
add(3, 12)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for most in (0, 64, 600, 2000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    ask(library)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
ask(library)
library.close()
"""
)

READ_ONLY = (
    HELPERS
    + """
import subprocess
add(0, 3)
library = Library([FolderDataset("pets", (pictures,))], settings)
ask(library)
subprocess.run(["mount", "-o", "remount,ro", str(cache)], check=True)
add(3, int(sys.argv[4]))
ask(library)
ask(Library([FolderDataset("pets", (pictures,))], settings))
subprocess.run(["mount", "-o", "remount,rw", str(cache)], check=True)
ask(library)
library.close()
"""
)

CLOSED_FOLDERS = (
    HELPERS
    + """
add(0, 6)
(pictures / "closed").mkdir()
shutil.copyfile(more / "0007.jpg", pictures / "closed" / "0007.jpg")
library = Library([FolderDataset("pets", (pictures,))], settings)
ask(library)
(pictures / "closed").chmod(0)
ask(library)
pictures.chmod(0)
ask(library)
pictures.chmod(0o755)
(pictures / "closed").chmod(0o755)
ask(library)
library.close()
"""
)


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("more")
    save_many(folder, 130)
    return folder


@pytest.fixture
def places(tmp_path: Path, more: Path) -> list[str]:
    """A folder for pictures, where to take more of them from, and a cache, as arguments."""
    for name in ("pictures", "cache"):
        (tmp_path / name).mkdir()
    return [str(tmp_path / "pictures"), str(more), str(tmp_path / "cache")]


@pytest.mark.parametrize("pictures", [12, 130], ids=["in the server", "in a process"])
def test_on_a_full_disk_the_last_index_answers_until_there_is_room(places: list[str], pictures: int) -> None:
    lines = run_with_disk(Path(places[2]), "2m", FULL_DISK, *places, str(pictures))
    first, *full, after, leftovers = map(json.loads, lines)
    assert first == ["READY", 3, 3, None]
    for status, images, rows, error in full:
        assert (status, images, rows) == ("READY", 3, 3)
        assert "No space left on device" in error
        assert "make room there" in error
        assert places[2] in error
    assert leftovers == []
    assert after == ["READY", pictures, pictures, None]


def test_a_disk_that_fills_up_at_any_step_of_a_run_ends_no_server(places: list[str]) -> None:
    lines = run_with_disk(Path(places[2]), "4m", NEARLY_FULL_DISK, *places)
    first, *full, after = map(json.loads, lines)
    assert (first, after) == (["READY", 3, 3, None], ["READY", 12, 12, None])
    failed = [state for state in full if state != after]
    assert len(failed) >= 3
    for status, images, rows, error in failed:
        assert (status, images, rows) == ("READY", 3, 3)
        assert "make room there" in error


@posix
def test_a_file_that_grows_too_large_to_be_written_loses_no_index(places: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SMALL_FILES_ONLY, *places], stdout=subprocess.PIPE, check=True)
    first, *limited, after = map(json.loads, done.stdout.splitlines())
    assert (first, after) == (["READY", 3, 3, None], ["READY", 12, 12, None])
    for status, images, rows, error in limited:
        assert (status, images, rows) == ("READY", 3, 3)
        assert "could not be written" in error


@pytest.mark.parametrize("pictures", [12, 130], ids=["in the server", "in a process"])
def test_a_read_only_cache_answers_from_what_is_there_and_says_so(places: list[str], pictures: int) -> None:
    lines = run_with_disk(Path(places[2]), "8m", READ_ONLY, *places, str(pictures))
    first, *read_only, after = map(json.loads, lines)
    assert first == ["READY", 3, 3, None]
    for status, images, rows, error in read_only:
        assert (status, images, rows) == ("READY", 3, 3)
        assert "Read-only file system" in error
        assert "choose another cache folder" in error
    assert after == ["READY", pictures, pictures, None]


@posix
def test_a_folder_that_cannot_be_read_is_said_and_the_last_index_answers(places: list[str]) -> None:
    command = [sys.executable, "-c", CLOSED_FOLDERS, *places]
    if os.geteuid() == 0:  # to whom no folder is closed, unless that right is given up
        if shutil.which("setpriv") is None:
            pytest.skip("root can read every folder, and there is no setpriv to give that right up")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    first, without, unreadable, after = map(json.loads, done.stdout.splitlines())
    assert first == after == ["READY", 7, 7, None]
    assert without == ["READY", 6, 6, None]
    assert unreadable[:3] == ["READY", 6, 6]
    assert "is not a readable folder any more; put it back or stop serving it" in unreadable[3]


@pytest.fixture
def folder(tmp_path: Path, more: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    for number in range(4):
        shutil.copyfile(more / f"{number:04}.jpg", tmp_path / "pictures" / f"{number:04}.jpg")
    return tmp_path / "pictures"


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(cache_dir=tmp_path / "cache", workers=2, refresh_after_seconds=-1.0)


@pytest.fixture
def library(folder: Path, settings: EngineSettings) -> Iterator[Library]:
    library = Library([FolderDataset("pets", (folder,))], settings)
    yield library
    library.close()


async def asked(library: Library) -> DatasetState:
    (identifier,) = library.ids()
    library.refresh(identifier)
    return await library.ready(identifier, LONG)


def names(snapshot: Snapshot | None) -> list[str]:
    assert snapshot is not None
    return [row.file_path for row in snapshot.rows(range(snapshot.image_count))]


async def test_a_folder_that_disappears_leaves_its_last_index_answering(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    before = await asked(library)
    shutil.move(folder, tmp_path / "elsewhere")
    gone = await asked(library)
    assert (gone.status, names(gone.snapshot)) == (Status.READY, names(before.snapshot))
    assert "put it back or stop serving it" in str(gone.error)
    shutil.move(tmp_path / "elsewhere", folder)
    assert (await asked(library)).error is None


async def test_a_cache_that_gives_way_to_a_file_is_said_and_heals(
    library: Library, settings: EngineSettings, tmp_path: Path
) -> None:
    await asked(library)
    shutil.move(settings.cache_dir, tmp_path / "moved")
    settings.cache_dir.write_text("a file where the cache should be", encoding="utf-8")
    assert str(settings.cache_dir) in str((await asked(library)).error)
    settings.cache_dir.unlink()
    shutil.move(tmp_path / "moved", settings.cache_dir)
    healed = await asked(library)
    assert (healed.status, healed.error, len(names(healed.snapshot))) == (Status.READY, None, 4)


def remove(path: Path) -> None:
    path.unlink()


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "reason"),
    [(remove, "vanished while being read"), (grow, "changed while being read"), (become_a_folder, "special file")],
)
def test_a_file_that_changes_between_the_walk_and_the_reading_is_skipped_and_looked_at_again(
    folder: Path, settings: EngineSettings, change: Callable[[Path], None], reason: str
) -> None:
    dataset, changing = FolderDataset("pets", (folder,)), folder / "0002.jpg"

    def meanwhile(stage: str, done: int, _total: int | None) -> None:
        if (stage, done) == ("decoding", 0):
            change(changing)

    snapshot = index(dataset, settings, progress=meanwhile).snapshot
    assert snapshot.skipped_sample == [("0002.jpg", reason)]
    assert names(snapshot) == ["0000.jpg", "0001.jpg", "0003.jpg"]
    if changing.is_dir():
        changing.rmdir()
    changing.write_bytes(jpeg_bytes(scene(99, (96, 72))))
    again = index(dataset, settings)
    assert (again.read, len(names(again.snapshot)), again.snapshot.skipped_sample) == (1, 4, [])


def test_a_folder_that_vanishes_during_the_run_takes_only_its_own_pictures(
    folder: Path, settings: EngineSettings
) -> None:
    shutil.copytree(folder, folder / "going")

    def meanwhile(stage: str, done: int, _total: int | None) -> None:
        if (stage, done) == ("decoding", 0):
            shutil.rmtree(folder / "going")

    snapshot = index(FolderDataset("pets", (folder,)), settings, progress=meanwhile).snapshot
    assert names(snapshot) == ["0000.jpg", "0001.jpg", "0002.jpg", "0003.jpg"]
    assert snapshot.skipped_reasons == {"vanished while being read": 4}


YEARS = 365 * 86_400


@pytest.mark.parametrize("stamp", [-60 * YEARS, 0, 2_000_000_000, 4_102_444_800, 2**33], ids=lambda stamp: f"{stamp} s")
def test_files_from_any_year_are_read_once(folder: Path, settings: EngineSettings, stamp: int) -> None:
    for place in sorted(folder.iterdir()):
        os.utime(place, (stamp, stamp))
    dataset = FolderDataset("pets", (folder,))
    assert (index(dataset, settings).read, index(dataset, settings).read) == (4, 0)
    (folder / "0000.jpg").write_bytes(jpeg_bytes(scene(98, (96, 72))))
    os.utime(folder / "0000.jpg", (stamp, stamp))
    assert index(dataset, settings).read == 1


ANOTHER_YEAR = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
import lookalike_engine.publishing
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.indexing import index

class Elsewhen(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(days=365 * int(sys.argv[3]))

lookalike_engine.publishing.datetime = Elsewhen
index(FolderDataset("pets", (Path(sys.argv[1]),)), EngineSettings(cache_dir=Path(sys.argv[2]), workers=2))
"""


@pytest.mark.parametrize("years", [-60, 20])
def test_an_index_from_another_year_is_neither_stale_nor_fresh_for_it(
    folder: Path, settings: EngineSettings, years: int
) -> None:
    arguments = [str(folder), str(settings.cache_dir), str(years)]
    subprocess.run([sys.executable, "-c", ANOTHER_YEAR, *arguments], check=True)
    library = Library([FolderDataset("pets", (folder,))], replace(settings, refresh_after_seconds=3600.0))
    found = library.dataset(library.ids()[0]).snapshot
    unchanged = anyio.run(asked, library)
    assert unchanged.snapshot is found
    library.close()
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(97, (96, 72))))
    library = Library([FolderDataset("pets", (folder,))], replace(settings, refresh_after_seconds=3600.0))
    assert len(names(anyio.run(asked, library).snapshot)) == 5
    library.close()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


async def test_damage_to_any_file_is_named_and_the_index_before_answers_until_it_is_built_again(
    folder: Path, settings: EngineSettings, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = FolderDataset("pets", (folder,))
    index(dataset, settings)
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(96, (96, 72))))
    current = index(dataset, settings).snapshot
    place, files = current.path.parent.parent, sorted(current.path.iterdir())
    assert len(files) > 20
    for file in files:
        flip(file)
        with pytest.raises(SnapshotError, match=f"{file.name}"):
            current_snapshot(place)
        library = Library([dataset], settings)
        opened = library.dataset(library.ids()[0])
        assert opened.status is Status.READY
        assert len(names(opened.snapshot)) == 4
        assert file.name in str(opened.error)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "lookalike.engine"):
            rebuilt = await asked(library)
        library.close()
        assert file.name in caplog.text
        assert "set aside" in caplog.text
        assert (rebuilt.error, len(names(rebuilt.snapshot))) == (None, 5)
        assert rebuilt.snapshot is not None
        assert rebuilt.snapshot.revision == current.revision
        assert (place / "set-aside" / file.name).is_file()


async def test_where_both_indexes_are_damaged_a_new_one_is_built_from_the_pictures(
    folder: Path, settings: EngineSettings
) -> None:
    dataset = FolderDataset("pets", (folder,))
    index(dataset, settings)
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(96, (96, 72))))
    current = index(dataset, settings).snapshot
    for snapshot in current.path.parent.iterdir():
        flip(snapshot / "images.parquet")
    library = Library([dataset], settings)
    assert library.dataset(library.ids()[0]).status is Status.DRAFT
    rebuilt = (await asked(library)).snapshot
    library.close()
    assert rebuilt is not None
    assert rebuilt.revision == current.revision


async def test_a_damaged_pointer_costs_the_index_and_nothing_else(library: Library, settings: EngineSettings) -> None:
    before = (await asked(library)).snapshot
    assert before is not None
    flip(before.path.parent.parent / "CURRENT")
    after = await asked(library)
    assert (after.status, after.error) == (Status.READY, None)
    assert after.snapshot is not None
    assert after.snapshot.revision == before.revision
    assert index(FolderDataset("pets", (Path(settings.cache_dir.parent / "pictures"),)), settings).read == 0


async def test_an_index_that_is_damaged_while_it_answers_is_found_out_and_replaced(library: Library) -> None:
    before = (await asked(library)).snapshot
    assert before is not None
    flip(before.path / "width.npy")
    after = (await asked(library)).snapshot
    assert after is not None
    assert after is not before
    assert (before.is_there, after.is_there) == (False, True)
    assert after.width.tolist() == [96, 96, 96, 96]
