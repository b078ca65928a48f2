import os
from pathlib import Path

import pytest

from lookalike_engine.errors import EngineError, SkipReason
from lookalike_engine.scan import Scan, modified_ns, scan

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX links and FIFOs")


def walk(*folders: Path) -> Scan:
    return scan([folder.resolve() for folder in folders], lambda: None, lambda _count: None)


def paths(found: Scan) -> list[str]:
    return [file.path for file in found.files]


def reasons(found: Scan) -> dict[str, SkipReason]:
    return {each.path: each.reason for each in found.skipped}


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_of_all_nested_folders_are_found_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/z.jpg", "a/b/c/deep.jpg", ".dotted.jpg"):
        write(tmp_path / name)
    assert paths(walk(tmp_path)) == [".dotted.jpg", "a/b/c/deep.jpg", "a/z.jpg", "b.jpg"]


def test_hidden_and_system_folders_are_one_skipped_entry_each(tmp_path: Path) -> None:
    write(tmp_path / ".git" / "a.jpg")
    write(tmp_path / "pictures" / "@eaDir" / "b.jpg")
    found = walk(tmp_path)
    assert paths(found) == []
    assert reasons(found) == {".git": SkipReason.HIDDEN_FOLDER, "pictures/@eaDir": SkipReason.HIDDEN_FOLDER}


@posix
def test_hard_links_and_symlinks_are_aliases_of_one_file(tmp_path: Path) -> None:
    original = write(tmp_path / "a.jpg")
    os.link(original, tmp_path / "b.jpg")
    (tmp_path / "c.jpg").symlink_to(original)
    found = walk(tmp_path)
    assert paths(found) == ["a.jpg"]
    assert [(alias.path, alias.target) for alias in found.aliases] == [("b.jpg", "a.jpg"), ("c.jpg", "a.jpg")]


@posix
def test_a_link_is_an_alias_also_when_it_is_met_before_its_file(tmp_path: Path) -> None:
    target = write(tmp_path / "z" / "late.jpg")
    (tmp_path / "early.jpg").symlink_to(target)
    assert [alias.path for alias in walk(tmp_path).aliases] == ["early.jpg"]


@posix
def test_links_out_of_the_dataset_are_skipped_and_linked_folders_not_entered(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    secret = write(outside / "secret.jpg")
    write(inside / "kept" / "a.jpg")
    (inside / "secret.jpg").symlink_to(secret)
    (inside / "away").symlink_to(outside)
    (inside / "again").symlink_to(inside / "kept")
    (inside / "round").symlink_to(inside)
    (inside / "nowhere").symlink_to(tmp_path / "gone")
    found = walk(inside)
    assert paths(found) == ["kept/a.jpg"]
    assert reasons(found) == {
        "away": SkipReason.LINKED_FOLDER,
        "nowhere": SkipReason.BROKEN_LINK,
        "secret.jpg": SkipReason.LINK_UNCOUNTED,
    }
    assert {alias.path: alias.target for alias in found.aliases} == {"again": "kept", "round": ""}


@posix
def test_a_fifo_is_skipped_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reasons(walk(tmp_path)) == {"pipe.jpg": SkipReason.SPECIAL_FILE}


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_skipped(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)
    assert reasons(walk(tmp_path)) == {"locked": SkipReason.UNREADABLE_FOLDER}


def test_joined_folders_become_first_level_folders_with_unlike_names(tmp_path: Path) -> None:
    write(tmp_path / "2019" / "photos" / "a.jpg")
    write(tmp_path / "2020" / "photos" / "a.jpg")
    found = walk(tmp_path / "2019" / "photos", tmp_path / "2020" / "photos")
    assert paths(found) == ["2019 - photos/a.jpg", "2020 - photos/a.jpg"]


def test_joined_folders_that_end_unlike_others_keep_their_short_names(tmp_path: Path) -> None:
    for place in ("set/train", "set/test", "old/train"):
        write(tmp_path / place / "a.jpg")
    found = walk(tmp_path / "set" / "train", tmp_path / "set" / "test", tmp_path / "old" / "train")
    assert paths(found) == ["old - train/a.jpg", "set - train/a.jpg", "test/a.jpg"]


@posix
def test_a_folder_served_within_another_is_counted_once(tmp_path: Path) -> None:
    write(tmp_path / "all" / "part" / "a.jpg")
    found = walk(tmp_path / "all", tmp_path / "all" / "part")
    assert paths(found) == ["all/part/a.jpg"]
    assert [(alias.path, alias.target) for alias in found.aliases] == [("part", "all/part")]


def test_a_served_folder_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="gone"):
        walk(tmp_path / "gone")


@pytest.mark.parametrize(("told", "kept"), [(5, 5), (2**70, 2**63 - 1), (-(2**70), 1 - 2**63)])
def test_a_time_that_no_index_can_hold_counts_as_the_nearest_one_that_it_can(told: int, kept: int) -> None:
    assert modified_ns(os.stat_result(range(10), {"st_mtime_ns": told})) == kept
