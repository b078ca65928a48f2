import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import IndexingCancelledError
from lookalike_engine.indexing import IndexingReport, index
from lookalike_engine.linkage import Merges, clusters_at
from lookalike_engine.snapshot import Snapshot
from tests.pictures import Truth, jpeg_bytes, save_set, scene, tree_digest

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX file names and FIFOs")


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Truth]:
    folder = tmp_path / "pictures"
    return folder, save_set(folder)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., IndexingReport]:
    def run(folder: Path, cache: str = "cache", **options: Any) -> IndexingReport:
        settings = EngineSettings(cache_dir=tmp_path / cache, workers=2)
        return index(FolderDataset("pets", (folder,)), settings, **options)

    return run


def names(snapshot: Snapshot) -> list[str]:
    return [row.file_path for row in snapshot.rows(range(snapshot.image_count))]


def clusters(snapshot: Snapshot, similarity: float) -> set[frozenset[str]]:
    merges = Merges(snapshot.merge_first, snapshot.merge_second, snapshot.merge_similarity)
    labels = clusters_at(merges, similarity, snapshot.image_count)
    shown = np.array(names(snapshot), dtype=object)
    groups = {frozenset(shown[labels == label].tolist()) for label in set(labels.tolist())}
    return {group for group in groups if len(group) > 1}


def test_known_copies_are_clustered_and_nothing_else_is(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport]
) -> None:
    folder, truth = pictures
    snapshot = run(folder).snapshot
    assert set(names(snapshot)) == truth.images
    assert clusters(snapshot, 0.95) == set(truth.clusters)
    assert clusters(snapshot, 1.0) == set(truth.exact)
    assert snapshot.skipped_sample == [("notes.txt", "not an image")]
    assert snapshot.total_bytes == sum((folder / name).stat().st_size for name in truth.images)
    assert {snapshot.folders[number] for number in snapshot.folder} == {".", "archive", "holiday", "web"}


def test_an_unchanged_folder_is_not_read_again_and_keeps_its_revision(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport]
) -> None:
    first = run(pictures[0])
    again = run(pictures[0])
    assert first.read == len(pictures[1].images) + 1
    assert (again.read, again.reused) == (0, first.read)
    assert again.snapshot.revision == first.snapshot.revision


def test_only_added_changed_and_removed_files_are_noticed(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport]
) -> None:
    folder, truth = pictures
    before = run(folder)
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(40)))
    (folder / "holiday" / "single 10.jpg").write_bytes(jpeg_bytes(scene(41)))
    (folder / "holiday" / "single 11.jpg").unlink()
    (folder / "holiday" / "single 12.jpg").rename(folder / "renamed.jpg")
    after = run(folder)
    assert after.read == 2
    assert after.snapshot.revision != before.snapshot.revision
    gone = {"holiday/single 11.jpg", "holiday/single 12.jpg"}
    assert set(names(after.snapshot)) == truth.images - gone | {"new.jpg", "renamed.jpg"}
    assert run(folder, "fresh cache").snapshot.revision == after.snapshot.revision


@posix
def test_files_whose_permissions_changed_are_read_once_more_and_not_at_every_look(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport]
) -> None:
    folder, truth = pictures
    before = run(folder).snapshot
    for name in truth.images:
        (folder / name).chmod(0o600)
    changed, again = run(folder, batch_files=4), run(folder)
    assert (changed.read, again.read) == (len(truth.images), 0)
    assert changed.snapshot.revision == again.snapshot.revision == before.revision
    (folder / "new.jpg").write_bytes(jpeg_bytes(scene(40)))
    assert run(folder).read == 1
    assert run(folder, "fresh cache").snapshot.revision == run(folder).snapshot.revision


def test_what_is_no_picture_and_changes_is_read_once_for_each_change(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport], tmp_path: Path
) -> None:
    folder, _ = pictures
    run(folder)
    for change in range(5):
        (folder / "notes.txt").write_text("more" * change, encoding="utf-8")
        assert (run(folder).read, run(folder).read) == (1, 0)
    assert len(list(tmp_path.glob("cache/*/parts-*/0*"))) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows does not say when a file was last changed")
def test_a_file_written_anew_with_its_old_size_and_time_is_read_again(
    tmp_path: Path, run: Callable[..., IndexingReport]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    one, other = jpeg_bytes(scene(1)), jpeg_bytes(scene(2))
    longest = max(len(one), len(other))
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(one.ljust(longest, b"\0"))
    assert clusters(run(folder).snapshot, 0.95) == {frozenset({"a.jpg", "b.jpg"})}
    before = (folder / "b.jpg").stat()
    (folder / "b.jpg").write_bytes(other.ljust(longest, b"\0"))
    os.utime(folder / "b.jpg", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert clusters(run(folder).snapshot, 0.95) == set()


def test_a_cancelled_run_goes_on_from_its_finished_batches(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport]
) -> None:
    folder, _ = pictures
    whole = run(folder, "other cache")
    cancel = Event()

    def cancel_after_two_batches(stage: str, done: int, _total: int | None) -> None:
        if stage == "decoding" and done > 8:
            cancel.set()

    with pytest.raises(IndexingCancelledError):
        run(folder, progress=cancel_after_two_batches, cancel=cancel, batch_files=4)
    resumed = run(folder, batch_files=4)
    assert resumed.reused >= 8
    assert resumed.read == whole.read - resumed.reused
    assert resumed.snapshot.revision == whole.snapshot.revision


def test_names_and_their_order_do_not_change_the_clusters(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport], tmp_path: Path
) -> None:
    folder, truth = pictures
    reversed_names = {name: f"{99 - place} {name.replace('/', '-')}" for place, name in enumerate(sorted(truth.images))}
    other = tmp_path / "reversed"
    other.mkdir()
    for name, renamed in reversed_names.items():
        shutil.copyfile(folder / name, other / renamed)
    one, two = run(folder).snapshot, run(other).snapshot
    for similarity in (1.0, 0.99, 0.95, 0.8, 0.7):
        expected = {frozenset(reversed_names[name] for name in group) for group in clusters(one, similarity)}
        assert clusters(two, similarity) == expected


def test_the_picture_folder_is_only_read(pictures: tuple[Path, Truth], run: Callable[..., IndexingReport]) -> None:
    before = tree_digest(pictures[0])
    run(pictures[0])
    assert tree_digest(pictures[0]) == before


def test_blank_pictures_take_part_by_exact_equality_alone(tmp_path: Path, run: Callable[..., IndexingReport]) -> None:
    folder = tmp_path / "blank"
    folder.mkdir()
    Image.new("RGB", (300, 200), "white").save(folder / "white.png")
    Image.new("L", (300, 200), "white").save(folder / "white grey.png")
    Image.new("RGB", (300, 201), "white").save(folder / "white taller.png")
    Image.new("RGB", (300, 200), "black").save(folder / "black.png")
    snapshot = run(folder).snapshot
    assert clusters(snapshot, 0.7) == {frozenset({"white.png", "white grey.png"})}
    assert len(snapshot.pair_first) == 0
    unknown = np.isnan(snapshot.uniqueness)
    assert unknown.tolist() == [name in {"black.png", "white taller.png"} for name in names(snapshot)]
    assert not snapshot.uniqueness[~unknown].any()


def test_the_eight_exif_orientations_of_one_file_are_one_cluster(
    tmp_path: Path, run: Callable[..., IndexingReport]
) -> None:
    folder = tmp_path / "turned"
    folder.mkdir()
    for orientation in range(1, 9):
        data = jpeg_bytes(scene(42), exif_orientation=orientation)
        (folder / f"{orientation}.jpg").write_bytes(data)
    assert len(*clusters(run(folder).snapshot, 0.98)) == 8


@posix
def test_fifos_bad_names_links_and_damaged_files_stop_nothing(
    tmp_path: Path, run: Callable[..., IndexingReport]
) -> None:
    folder = tmp_path / "rough"
    folder.mkdir()
    data = jpeg_bytes(scene(43))
    (folder / "good.jpg").write_bytes(data)
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "other name.txt").symlink_to(folder / "good.jpg")
    (folder / "other cut.jpg").symlink_to(folder / "cut.jpg")
    os.mkfifo(folder / "pipe.jpg")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(jpeg_bytes(scene(44)))
    snapshot = run(folder).snapshot
    assert names(snapshot) == [r"caf\xe9.jpg", "good.jpg"]
    assert Path(snapshot.rows([0])[0].absolute_path).read_bytes() == jpeg_bytes(scene(44))
    assert snapshot.skipped_reasons == {"special file": 1, "truncated": 2}
    assert snapshot.alias_count == 1


def test_an_empty_folder_has_an_empty_index(tmp_path: Path, run: Callable[..., IndexingReport]) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    snapshot = run(folder).snapshot
    assert (snapshot.image_count, snapshot.skipped_count, snapshot.media_ids()) == (0, 0, [])
    assert run(folder).snapshot.revision == snapshot.revision


def test_a_file_above_the_ceiling_is_too_large_until_the_ceiling_is_raised(tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg_bytes(scene(45)))
    dataset = FolderDataset("large", (folder,))
    small = EngineSettings(cache_dir=tmp_path / "cache", workers=1, max_pixels=1000)
    assert index(dataset, small).snapshot.skipped_reasons == {"too large": 1}
    assert index(dataset, EngineSettings(cache_dir=tmp_path / "cache", workers=1)).snapshot.image_count == 1
    assert index(dataset, small).snapshot.skipped_reasons == {"too large": 1}


def test_a_second_run_waits_for_the_first_and_can_be_cancelled_meanwhile(
    pictures: tuple[Path, Truth], run: Callable[..., IndexingReport], tmp_path: Path
) -> None:
    place = run(pictures[0]).snapshot.path.parent.parent
    cancel, outcome = Event(), []

    def second() -> None:
        try:
            run(pictures[0], cancel=cancel)
        except IndexingCancelledError as error:
            outcome.append(error)

    with FileLock(place / "lock"):
        waiting = Thread(target=second)
        waiting.start()
        cancel.set()
        waiting.join()
    assert len(outcome) == 1
    assert run(pictures[0]).read == 0
    assert place.is_relative_to(tmp_path / "cache")


def save_frames(folder: Path, count: int) -> None:
    """Write frames that differ in one pixel, in files that differ in their names alone else."""
    folder.mkdir()
    picture = scene(60, (96, 72))
    for number in range(count):
        picture.putpixel((0, 0), (number % 256, number // 256, 0))
        picture.save(folder / f"{number:05}.png", compress_level=1)


def test_frames_that_no_hash_tells_apart_are_one_cluster_and_cost_no_pair_each(
    tmp_path: Path, run: Callable[..., IndexingReport]
) -> None:
    folder = tmp_path / "film"
    save_frames(folder, 40)
    frames = frozenset(f"{number:05}.png" for number in range(40))
    Image.open(folder / "00000.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirrored.png")
    shutil.copyfile(folder / "00001.png", folder / "copy.png")
    snapshot = run(folder).snapshot
    assert clusters(snapshot, 1.0) == {frozenset({"00001.png", "copy.png"})}
    assert clusters(snapshot, 0.98) == {frames | {"mirrored.png", "copy.png"}}
    assert len(snapshot.pair_first) < 40
    assert snapshot.closest_similarity == 0.999
    assert sorted(snapshot.nearest_similarity.tolist())[1:] == [0.999] * 39 + [1.0] * 2
