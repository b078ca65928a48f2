"""Runs that are killed, run side by side, find damage, or come after another version of the engine."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import IndexingCancelledError
from lookalike_engine.indexing import IndexingReport, index
from tests.pictures import save_set

BATCH = 4
FILES = 23

PROGRAM = """
import json, sys
from pathlib import Path
{prelude}
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.indexing import index

def tell(stage, done, total):
    print(json.dumps([stage, done]), flush=True)
    if stage == sys.argv[3] and done >= int(sys.argv[4]):
        sys.stdin.read()

settings = EngineSettings(cache_dir=Path(sys.argv[2]), workers=2)
report = index(FolderDataset("pets", (Path(sys.argv[1]),)), settings, progress=tell, batch_files=4)
closest = report.snapshot.closest_similarity
print(json.dumps({{"revision": report.snapshot.revision, "read": report.read, "closest": closest}}))
"""


@dataclass(frozen=True)
class Place:
    folder: Path
    cache: Path

    def run(self, **options: Any) -> IndexingReport:
        settings = EngineSettings(cache_dir=self.cache, workers=2)
        return index(FolderDataset("pets", (self.folder,)), settings, batch_files=BATCH, **options)

    def child(self, *, prelude: str = "", pause: tuple[str, int] = ("never", 0)) -> subprocess.Popen[str]:
        """Index in a process of its own, which goes no further once it has told of `pause`."""
        program = [sys.executable, "-c", PROGRAM.format(prelude=prelude)]
        arguments = [str(self.folder), str(self.cache), pause[0], str(pause[1])]
        return subprocess.Popen([*program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @property
    def finished_batches(self) -> list[Path]:
        return sorted(self.cache.glob("*/parts-*/[0-9]*"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    save_set(tmp_path / "pictures")
    return Place(tmp_path / "pictures", tmp_path / "cache")


@pytest.fixture
def undisturbed(place: Place, tmp_path: Path) -> str:
    return Place(place.folder, tmp_path / "undisturbed").run().snapshot.revision


def outcome(child: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = child.communicate()
    assert child.returncode == 0
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


@pytest.mark.parametrize(
    ("stage", "done"), [("scanning", 0), ("decoding", 2 * BATCH + 1), ("comparing", 0), ("publishing", 0)]
)
def test_a_killed_run_is_gone_on_with_and_ends_as_an_undisturbed_one(
    place: Place, undisturbed: str, stage: str, done: int
) -> None:
    with place.child(pause=(stage, done)) as child:
        assert child.stdout is not None
        for line in child.stdout:
            told, count = json.loads(line)
            if told == stage and count >= done:
                break
        child.kill()
    expected = {"scanning": 0, "decoding": 2 * BATCH}.get(stage, FILES)
    assert place.cache.exists()
    resumed = place.run()
    assert (resumed.reused, resumed.read) == (expected, FILES - expected)
    assert resumed.snapshot.revision == undisturbed
    assert place.finished_batches == []


def test_two_processes_that_index_one_folder_at_once_share_the_work(place: Place, undisturbed: str) -> None:
    one, other = place.child(), place.child()
    outcomes = [outcome(one), outcome(other)]
    assert [each["revision"] for each in outcomes] == [undisturbed, undisturbed]
    assert sorted(each["read"] for each in outcomes) == [0, FILES]


def cut(part: Path) -> None:
    (part / "about.json").write_bytes((part / "about.json").read_bytes()[:-9])


def flip_a_bit(part: Path) -> None:
    content = bytearray((part.parent / "embeddings.raw").read_bytes())
    content[0] ^= 1
    (part.parent / "embeddings.raw").write_bytes(content)


def lose_a_file(part: Path) -> None:
    (part / "files.parquet").unlink()


def forget_the_checksums(part: Path) -> None:
    (part / "about.json").write_text("[]", encoding="utf-8")


@pytest.mark.parametrize("damage", [cut, flip_a_bit, lose_a_file, forget_the_checksums])
def test_a_damaged_batch_is_said_so_and_taken_again(
    place: Place, undisturbed: str, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(IndexingCancelledError):
        place.run(progress=stop_after_two_batches)
    first, _ = place.finished_batches
    damage(first)
    with caplog.at_level(logging.WARNING, "lookalike.engine"):
        resumed = place.run()
    assert "taken again" in caplog.text
    assert (resumed.reused, resumed.snapshot.revision) == (BATCH, undisturbed)


def test_rows_that_a_crash_of_the_machine_took_cost_their_batches_and_nothing_else(place: Place) -> None:
    for name in ("y.txt", "z 1.txt", "z 2.txt", "z 3.txt", "z 4.txt"):  # the last batch holds no picture
        (place.folder / name).write_text("no picture", encoding="utf-8")
    with pytest.raises(IndexingCancelledError):
        place.run(progress=stop_before_comparing)
    (rows,) = place.cache.glob("*/parts-*/hashes.raw")
    rows.write_bytes(b"")
    resumed = place.run()
    assert 0 < resumed.reused <= BATCH
    assert resumed.snapshot.image_count == FILES - 1


def test_what_does_not_belong_among_the_batches_stops_nothing(place: Place, undisturbed: str) -> None:
    with pytest.raises(IndexingCancelledError):
        place.run(progress=stop_after_two_batches)
    (place.finished_batches[0].parent / ".DS_Store").write_bytes(b"\0")
    resumed = place.run()
    assert (resumed.reused, resumed.snapshot.revision) == (2 * BATCH, undisturbed)


def stop_before_comparing(stage: str, _done: int, _total: int | None) -> None:
    if stage == "comparing":
        raise IndexingCancelledError


def stop_after_two_batches(stage: str, done: int, _total: int | None) -> None:
    if stage == "decoding" and done > 2 * BATCH:
        raise IndexingCancelledError


def test_an_engine_with_another_scale_compares_again_without_reading_the_pictures(place: Place) -> None:
    before = place.run().snapshot
    refitted = outcome(
        place.child(
            prelude="from lookalike_engine.fusion import Fusion\n"
            "read = Fusion.from_json\n"
            "def lowered(given):\n"
            "    *lower, (logit, _) = given['anchors']\n"
            "    return read(given | {'anchors': [*lower, (logit, 0.998)]})\n"
            "Fusion.from_json = lowered"
        )
    )
    assert (before.closest_similarity, refitted["closest"], refitted["read"]) == (0.999, 0.998, 0)
    assert refitted["revision"] != before.revision
    again = place.run()
    assert (again.read, again.snapshot.revision) == (0, before.revision)


def test_an_engine_that_takes_other_fingerprints_reads_the_pictures_again(place: Place) -> None:
    before = place.run().snapshot
    prelude = "import lookalike_engine.fingerprints\nlookalike_engine.fingerprints.FINGERPRINT_VERSION = 0"
    older = outcome(place.child(prelude=prelude))
    assert (older["read"], older["revision"] != before.revision) == (FILES, True)
    assert place.run().read == FILES
