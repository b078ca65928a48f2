"""Indexing processes that are killed, at any moment, and what whoever started them makes of it."""

import logging
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.indexing import index
from lookalike_engine.library import Library, Status
from lookalike_engine.snapshot import current_snapshot
from tests.pictures import save_many, save_set

linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes by /proc")

LONG = 120.0
MANY = 130
ROUNDS, ROUNDS_IN_A_SAMPLE = 50, 5

PROGRAM = """
import sys
from pathlib import Path
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.indexing import index

settings = EngineSettings(cache_dir=Path(sys.argv[2]), workers=2)
tell = lambda stage, done, total: print(stage, flush=True)
index(FolderDataset("pets", (Path(sys.argv[1]),)), settings, progress=tell, batch_files=3)
"""

SERVER = """
import asyncio, sys
from pathlib import Path
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.library import Library

library = Library([FolderDataset("pets", (Path(sys.argv[1]),))], EngineSettings(cache_dir=Path(sys.argv[2]), workers=2))
(identifier,) = library.ids()
library.refresh(identifier)
state = asyncio.run(library.ready(identifier, 120))
library.close()
print(state.status, state.snapshot and state.snapshot.revision, state.error)
"""


def indexer(folder: Path, cache: Path) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", PROGRAM, str(folder), str(cache)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    save_set(folder)
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many pictures as go to a process of their own."""
    folder = tmp_path_factory.mktemp("many")
    save_many(folder, MANY)
    return folder


@pytest.fixture(scope="module")
def undisturbed(many: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    settings = EngineSettings(cache_dir=tmp_path_factory.mktemp("undisturbed"), workers=2)
    return index(FolderDataset("pets", (many,)), settings).snapshot.revision


@pytest.fixture(scope="module")
def stages(small: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, float]]:
    """The revision of a run that nobody disturbs, and the seconds that it spends in each stage."""
    cache = tmp_path_factory.mktemp("first")
    began: dict[str, float] = {}
    with indexer(small, cache) as process:
        assert process.stdout is not None
        for stage in process.stdout:
            began.setdefault(stage.strip(), time.monotonic())
    ended = time.monotonic()
    names = list(began)
    ends = [*list(began.values())[1:], ended]
    (place,) = cache.iterdir()
    snapshot = current_snapshot(place)
    assert snapshot is not None
    return snapshot.revision, {name: end - began[name] for name, end in zip(names, ends, strict=True)}


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=() if seed < ROUNDS_IN_A_SAMPLE else pytest.mark.slow) for seed in range(ROUNDS)],
)
def test_runs_killed_at_any_moment_end_as_an_undisturbed_one(
    small: Path, tmp_path: Path, stages: tuple[str, dict[str, float]], seed: int
) -> None:
    undisturbed, lasts = stages
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 2)):
        stage = rng.choice(list(lasts))
        moment = rng.uniform(0, lasts[stage])
        with indexer(small, tmp_path) as process:
            assert process.stdout is not None
            for told in process.stdout:
                if told.strip() == stage:
                    break
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.kill()
    with indexer(small, tmp_path) as process:
        process.communicate()
    (place,) = tmp_path.iterdir()
    snapshot = current_snapshot(place)
    assert snapshot is not None
    assert (process.returncode, snapshot.revision) == (0, undisturbed)
    assert not list(place.glob("parts-*"))
    assert [path.name for path in place.rglob("*") if "writing" in path.name or path.name.startswith("CURRENT.")] == []


@pytest.fixture
def library(many: Path, tmp_path: Path) -> Iterator[Library]:
    library = Library([FolderDataset("pets", (many,))], EngineSettings(cache_dir=tmp_path / "cache", workers=2))
    yield library
    library.close()


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # that thread has ended meanwhile
            found += map(int, task.joinpath("children").read_text(encoding="ascii").split())
    return found


def is_indexing(pid: int) -> bool:
    try:
        return b"indexing_child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


async def indexing_process(library: Library, other_than: tuple[int, ...] = ()) -> int | None:
    """The process that indexes, once there is one; None where the run has ended."""
    (identifier,) = library.ids()
    with anyio.fail_after(LONG):
        while library.dataset(identifier).progress is not None:
            for child in children(os.getpid()):
                if child not in other_than and is_indexing(child):
                    return child
            await library.ready(identifier, 0.01)
    return None


@linux
@pytest.mark.anyio
async def test_where_the_indexing_process_is_killed_another_one_goes_on(
    library: Library, undisturbed: str, caplog: pytest.LogCaptureFixture
) -> None:
    (identifier,) = library.ids()
    with caplog.at_level(logging.WARNING, "lookalike.engine"):
        library.refresh(identifier)
        process = await indexing_process(library)
        assert process is not None
        os.kill(process, signal.SIGKILL)
        state = await library.ready(identifier, LONG)
    assert "was ended by SIGKILL; another one goes on" in caplog.text
    assert (state.status, state.error) == (Status.READY, None)
    assert state.snapshot is not None
    assert state.snapshot.revision == undisturbed


@linux
@pytest.mark.anyio
async def test_an_indexing_process_that_keeps_dying_is_an_error_that_says_so_and_heals(
    library: Library, undisturbed: str
) -> None:
    (identifier,) = library.ids()
    library.refresh(identifier)
    killed: tuple[int, ...] = ()
    while (process := await indexing_process(library, killed)) is not None:
        os.kill(process, signal.SIGKILL)
        killed += (process,)
    state = await library.ready(identifier, LONG)
    assert (state.status, len(killed)) == (Status.ERROR, 2)
    assert "was ended by SIGKILL, twice at one place" in str(state.error)
    assert "ask again" in str(state.error)
    library.refresh(identifier)
    state = await library.ready(identifier, LONG)
    assert state.snapshot is not None
    assert state.snapshot.revision == undisturbed


@linux
@pytest.mark.anyio
async def test_datasets_are_indexed_one_after_the_other(many: Path, tmp_path: Path) -> None:
    datasets = [FolderDataset(name, (many,)) for name in ("pets", "same pets")]
    library = Library(datasets, EngineSettings(cache_dir=tmp_path / "cache", workers=2))
    stages: set[str] = set()
    most = 0
    for identifier in library.ids():
        library.refresh(identifier)
    with anyio.fail_after(LONG):
        while under_way := [it.progress.stage for each in library.ids() if (it := library.dataset(each)).progress]:
            stages.update(under_way)
            most = max(most, sum(is_indexing(child) for child in children(os.getpid())))
            await library.ready(library.ids()[0], 0.01)
            await library.ready(library.ids()[1], 0.01)
    states = [library.dataset(identifier) for identifier in library.ids()]
    library.close()
    assert [state.snapshot and state.snapshot.image_count for state in states] == [MANY, MANY]
    assert "queued" in stages
    assert most == 1


@linux
@pytest.mark.anyio
async def test_closing_ends_the_indexing_process_and_keeps_the_dataset_a_draft(library: Library) -> None:
    (identifier,) = library.ids()
    library.refresh(identifier)
    process = await indexing_process(library)
    await anyio.to_thread.run_sync(library.close)
    assert process not in children(os.getpid())
    state = library.dataset(identifier)
    assert (state.status, state.error, state.progress) == (Status.DRAFT, None, None)


@linux
def test_an_indexing_process_ends_when_the_server_that_started_it_is_killed(many: Path, tmp_path: Path) -> None:
    program = [sys.executable, "-c", SERVER, str(many), str(tmp_path / "cache")]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as server:
        orphans: list[int] = []
        while not orphans:
            assert server.poll() is None
            orphans = [os.pidfd_open(child) for child in children(server.pid)]
        server.kill()
    for orphan in orphans:
        ended, _, _ = select.select([orphan], [], [], LONG)
        os.close(orphan)
        assert ended


NOISE = """
import atexit, os, sys

if any("indexing_child" in argument for argument in sys.orig_argv):
    print("noise at the start", flush=True)
    atexit.register(os.write, 1, b"noise at the end\\n")
"""


def test_whatever_is_printed_while_indexing_stays_out_of_the_output_of_the_server(
    many: Path, tmp_path: Path, undisturbed: str
) -> None:
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "sitecustomize.py").write_text(NOISE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SERVER, str(many), str(tmp_path / "cache")],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "noise")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"READY {undisturbed} None\n"
    assert "noise at the end" in done.stderr


def test_the_indexing_process_imports_nothing_from_the_folder_that_the_server_was_started_in(
    many: Path, tmp_path: Path, undisturbed: str
) -> None:
    (tmp_path / "here").mkdir()
    for name in ("numpy.py", "lookalike_engine.py", "json.py"):
        (tmp_path / "here" / name).write_text("raise SystemExit('imported from the wrong place')", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-c", SERVER, str(many), str(tmp_path / "cache")],
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"READY {undisturbed} None\n"


def test_the_indexing_process_loads_nothing_of_the_server(tmp_path: Path) -> None:
    program = (
        "import sys, lookalike_engine.indexing_child, lookalike_engine.indexing\n"
        "print(sorted({'mcp', 'starlette', 'uvicorn', 'httpx', 'pydantic', 'lookalike_server', 'lookalike_tools'}"
        " & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_two_servers_that_index_one_folder_at_once_end_with_one_index(
    many: Path, tmp_path: Path, undisturbed: str
) -> None:
    program = [sys.executable, "-c", SERVER, str(many), str(tmp_path / "cache")]
    servers = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [server.communicate()[0] for server in servers] == [f"READY {undisturbed} None\n"] * 2


def test_messages_hold_any_file_name(tmp_path: Path) -> None:
    from lookalike_engine import messages  # noqa: PLC0415 - this test's own subject

    dataset = FolderDataset("pets\n\udce9", (tmp_path / "caf\udce9",))
    settings = EngineSettings(cache_dir=tmp_path / "cache \udcff")
    line = messages.order(dataset, settings, 20)
    assert line.count(b"\n") == 1
    assert messages.read_order(line) == (dataset, settings, 20)
