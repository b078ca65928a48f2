"""One picture against an index, beside what indexing finds out when the same picture is a part of the dataset."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookalike_engine.catalogue import Catalogue
from lookalike_engine.checking import Check, Signals, check, likeness
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.indexing import index
from lookalike_engine.orientation import relation
from lookalike_engine.pairs import find_pairs
from lookalike_engine.similarity import similarity_of
from lookalike_engine.snapshot import Snapshot
from tests.pictures import jpeg_bytes, save_set, scene, turned_for_exif


def indexed(folder: Path, cache: Path) -> Snapshot:
    return index(FolderDataset("set", (folder,)), EngineSettings(cache_dir=cache, workers=2)).snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    place = tmp_path_factory.mktemp("checking")
    save_set(place / "set")
    for orientation in range(1, 9):
        turned = turned_for_exif(scene(21, (320, 240)), orientation)
        (place / "set" / f"turned {orientation}.jpg").write_bytes(jpeg_bytes(turned, 90 - orientation))
    Image.new("L", (40, 30), 255).save(place / "set" / "white.png")
    Image.new("RGB", (40, 30), "white").save(place / "set" / "white too.bmp")
    return indexed(place / "set", place / "cache")


def undecoded(_image: int | None) -> bytes | None:
    raise AssertionError("nothing needs to be decoded")


def check_own(snapshot: Snapshot, image: int, similarity: float) -> Check:
    signals = Signals(snapshot)
    return check(signals, signals.fingerprint(snapshot.rows([image])[0]), similarity, undecoded, image)


def test_every_image_of_the_dataset_finds_the_pairs_that_indexing_kept(snapshot: Snapshot) -> None:
    catalogue = Catalogue("6d1a7bb0-8f0f-5a53-9f3e-0d5a4ce6d1b7", snapshot)
    twins = np.asarray(snapshot.twin)
    kept = {
        frozenset(pair): similarity
        for *pair, similarity in zip(
            snapshot.pair_first.tolist(), snapshot.pair_second.tolist(), snapshot.pair_similarity.tolist(), strict=True
        )
    }
    assert len(kept) > 20
    for image in range(snapshot.image_count):
        found = check_own(snapshot, image, snapshot.floor)
        assert image not in found.images
        for other in range(snapshot.image_count):
            pair = frozenset((int(twins[image]), int(twins[other])))
            if len(pair) == 1:
                continue
            assert (other in found.images) == (pair in kept)
            if pair in kept:
                assert found.similarity[other] == kept[pair]
                assert relation(int(found.orientation[other])) == catalogue.kinship.relation(image, other)


def test_every_image_of_the_dataset_finds_its_exact_copies_and_its_nearest(snapshot: Snapshot) -> None:
    representative = np.asarray(snapshot.representative)
    for image in range(snapshot.image_count):
        found = check_own(snapshot, image, 1.0)
        copies = set(np.flatnonzero(representative == representative[image]).tolist()) - {image}
        assert set(found.images.tolist()) == copies
        if snapshot.nearest[image] < 0:
            assert found.nearest is None
        else:
            assert found.nearest is not None
            assert found.similarity[found.nearest] == snapshot.nearest_similarity[image]


def test_a_picture_without_detail_finds_its_exact_copies_alone(snapshot: Snapshot) -> None:
    white = snapshot.image_called("white.png")
    assert white is not None
    found = check_own(snapshot, white, snapshot.floor)
    assert not found.compared
    assert [row.file_path for row in snapshot.rows(found.images.tolist())] == ["white too.bmp"]


def test_most_alike_come_first_and_equals_by_path(snapshot: Snapshot) -> None:
    turned = snapshot.image_called("turned 1.jpg")
    assert turned is not None
    found = check_own(snapshot, turned, snapshot.floor)
    ranked = [(-found.similarity[image], image) for image in found.images.tolist()]
    assert len(ranked) >= 7
    assert ranked == sorted(ranked)


@pytest.mark.parametrize("seed", range(5))
def test_the_hash_distance_is_the_one_of_the_exhaustive_pass(snapshot: Snapshot, seed: int, tmp_path: Path) -> None:
    """Hashes that no picture has: far apart, near, and equal, on either side of the one that is asked about."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 256, (1, 8, 32), dtype=np.uint8)
    near = own ^ np.packbits(rng.random((20, 8, 256)) < rng.uniform(0, 0.3, (20, 1, 1)), axis=2)
    hashes = np.concatenate([own, near, rng.integers(0, 256, (20, 8, 32), dtype=np.uint8)])
    pairs = find_pairs(hashes, 0.0)
    signals = Signals(snapshot)
    np.save(tmp_path / "hashes.npy", hashes)
    signals.hashes = np.load(tmp_path / "hashes.npy", mmap_mode="r").view(">u8")
    signals.hashed = np.ones(len(hashes), dtype=np.bool_)
    file = snapshot.rows([0])[0].file
    found = likeness_of(signals, Fingerprint(file, width=9, height=9, detail=99.0, hashes=hashes[0]))
    with_first = pairs.first == 0
    expected = dict(
        zip(
            pairs.second[with_first].tolist(),
            zip(
                similarity_of(pairs.distance[with_first]).tolist(), pairs.orientation[with_first].tolist(), strict=True
            ),
            strict=True,
        )
    )
    assert len(expected) > 20
    assert {other: found[other] for other in expected} == expected


def likeness_of(signals: Signals, fingerprint: Fingerprint) -> list[tuple[float, int]]:
    found = likeness(signals, fingerprint)
    return list(zip(found.similarity.tolist(), found.orientation.tolist(), strict=True))


def test_an_empty_index_answers_that_nothing_is_there(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    empty = indexed(tmp_path / "set", tmp_path / "cache")
    full = tmp_path / "one"
    full.mkdir()
    buffer = io.BytesIO()
    scene(1, (160, 120)).save(buffer, "PNG")
    (full / "one.png").write_bytes(buffer.getvalue())
    one = indexed(full, tmp_path / "cache")
    fingerprint = Signals(one).fingerprint(one.rows([0])[0])
    found = check(Signals(empty), fingerprint, 0.95, undecoded)
    assert (found.images.tolist(), found.nearest) == ([], None)
