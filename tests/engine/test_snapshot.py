import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import SnapshotError
from lookalike_engine.indexing import IndexingReport, index
from lookalike_engine.snapshot import current_snapshot
from tests.pictures import jpeg_bytes, scene

Index = Callable[[], IndexingReport]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in (1, 2, 3):
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed, (160, 120))))
    return folder


@pytest.fixture
def run(tmp_path: Path, folder: Path) -> Index:
    settings = EngineSettings(cache_dir=tmp_path / "cache", workers=1)
    return lambda: index(FolderDataset("small", (folder,)), settings)


def test_rows_come_in_the_order_asked_for_and_ids_find_their_image(run: Index) -> None:
    snapshot = run().snapshot
    assert [row.file_path for row in snapshot.rows([2, 0])] == ["3.jpg", "1.jpg"]
    assert [snapshot.image_index(media_id) for media_id in snapshot.media_ids()] == [0, 1, 2]
    assert snapshot.image_index("9b4f1f6e-0000-5000-8000-000000000000") is None
    with pytest.raises(IndexError):
        snapshot.rows([3])


@pytest.mark.parametrize("damaged", ["pair_first.npy", "images.parquet", "manifest.json"])
def test_a_damaged_snapshot_is_set_aside_said_so_and_built_again(
    run: Index, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = run().snapshot
    place = before.path / damaged
    place.write_bytes(place.read_bytes() + b" ")
    with pytest.raises(SnapshotError, match=damaged):
        current_snapshot(before.path.parent.parent)
    with caplog.at_level(logging.WARNING, "lookalike.engine"):
        after = run()
    assert damaged in caplog.text
    assert after.read == 3
    assert after.snapshot.revision == before.revision
    assert (before.path.parent.parent / "set-aside" / damaged).is_file()


def test_a_snapshot_of_an_unknown_schema_is_not_read(run: Index) -> None:
    snapshot = run().snapshot
    root = snapshot.path.parent.parent
    manifest = json.loads((snapshot.path / "manifest.json").read_bytes()) | {"schema": 999}
    (snapshot.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    import hashlib  # noqa: PLC0415 - to forge a pointer that fits

    digest = hashlib.sha256((snapshot.path / "manifest.json").read_bytes()).hexdigest()
    (root / "CURRENT").write_text(json.dumps({"revision": snapshot.revision, "manifest": digest}), encoding="utf-8")
    with pytest.raises(SnapshotError, match="999"):
        current_snapshot(root)
    assert run().read == 3


def test_an_open_snapshot_stays_readable_while_the_next_one_is_published(run: Index, folder: Path) -> None:
    old = run().snapshot
    (folder / "4.jpg").write_bytes(jpeg_bytes(scene(4, (160, 120))))
    new = run().snapshot
    assert (old.image_count, new.image_count) == (3, 4)
    assert [row.file_path for row in old.rows([0, 1, 2])] == ["1.jpg", "2.jpg", "3.jpg"]


def test_only_the_current_and_the_previous_snapshot_are_kept(run: Index, folder: Path) -> None:
    for seed in (4, 5, 6):
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed, (160, 120))))
        snapshot = run().snapshot
    kept = sorted(path.name for path in snapshot.path.parent.iterdir())
    assert len(kept) == 2
    assert snapshot.revision in kept


def test_a_folder_that_goes_back_to_an_earlier_state_gets_its_earlier_revision(run: Index, folder: Path) -> None:
    first = run().snapshot.revision
    extra = folder / "extra.jpg"
    extra.write_bytes(jpeg_bytes(scene(9, (160, 120))))
    assert run().snapshot.revision != first
    extra.unlink()
    assert run().snapshot.revision == first
