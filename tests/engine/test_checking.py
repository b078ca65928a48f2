"""One picture against an index, beside what indexing finds out when the same picture is a part of the dataset."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookalike_engine.catalogue import Catalogue
from lookalike_engine.checking import Check, KnownImages, check, likeness
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.embedder import NORM
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.fusion import HashScale, Scale
from lookalike_engine.indexing import index
from lookalike_engine.orientation import relation
from lookalike_engine.pairs import find_pairs
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.signals import load_signals
from lookalike_engine.snapshot import Snapshot
from tests.pictures import jpeg_bytes, save_set, scene, turned_for_exif

SIGNALS = load_signals("lite0")


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


def check_own(snapshot: Snapshot, image: int) -> Check:
    known = KnownImages(snapshot)
    return check(known, known.fingerprint(snapshot.rows([image])[0]), SIGNALS.scale, undecoded, image)


def test_every_image_of_the_dataset_finds_the_pairs_that_indexing_found_by_their_own_signals(
    snapshot: Snapshot,
) -> None:
    catalogue = Catalogue("6d1a7bb0-8f0f-5a53-9f3e-0d5a4ce6d1b7", snapshot)
    twins = np.asarray(snapshot.twin)
    standing = np.flatnonzero(twins == np.arange(len(twins)))
    rows = SignalRows(snapshot.signal_rows.hashes[standing], snapshot.signal_rows.embeddings[standing])
    direct = find_pairs(rows, snapshot.detail[standing], SIGNALS.scale.stretched(*snapshot.stretch), 0.0)
    ends = zip(standing[direct.first].tolist(), standing[direct.second].tolist(), strict=True)
    every = dict(zip(map(frozenset, ends), direct.similarity.tolist(), strict=True))
    kept = {pair: similarity for pair, similarity in every.items() if similarity >= snapshot.floor}
    assert len(kept) > 20
    for image in standing.tolist():
        found = check_own(snapshot, image)
        alike = found.at_or_above(snapshot.floor)
        assert image not in alike
        for other in standing.tolist():
            pair = frozenset((image, other))
            if image == other:
                continue
            assert (other in alike) == (pair in kept)
            if pair in kept:
                assert found.similarity[other] == kept[pair]
                assert (
                    relation(int(found.orientation[other]))
                    == catalogue.kinship.relations(np.array([image]), np.array([other]))[0]
                )


def test_every_image_of_the_dataset_finds_its_exact_copies_and_its_nearest(snapshot: Snapshot) -> None:
    representative = np.asarray(snapshot.representative)
    for image in range(snapshot.image_count):
        found = check_own(snapshot, image)
        copies = set(np.flatnonzero(representative == representative[image]).tolist()) - {image}
        assert set(found.at_or_above(1.0)) == copies
        if snapshot.nearest[image] < 0:
            assert found.nearest is None
        else:
            assert found.nearest is not None
            assert found.similarity[found.nearest] == snapshot.nearest_similarity[image]


def test_a_picture_without_detail_finds_its_exact_copies_alone(snapshot: Snapshot) -> None:
    white = snapshot.image_called("white.png")
    assert white is not None
    found = check_own(snapshot, white)
    assert not found.compared
    assert [row.file_path for row in snapshot.rows(found.at_or_above(snapshot.floor))] == ["white too.bmp"]


def test_most_alike_come_first_and_equals_by_path(snapshot: Snapshot) -> None:
    turned = snapshot.image_called("turned 1.jpg")
    assert turned is not None
    found = check_own(snapshot, turned)
    ranked = [(-found.similarity[image], image) for image in found.at_or_above(snapshot.floor)]
    assert len(ranked) >= 7
    assert ranked == sorted(ranked)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [HashScale(), SIGNALS.scale], ids=["hash", "fused"])
def test_one_picture_is_compared_as_the_exhaustive_pass_does(snapshot: Snapshot, seed: int, scale: Scale) -> None:
    """Signals that no picture has: far apart, near, and equal, on either side of the one that is asked about."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 256, (1, 8, 32), dtype=np.uint8)
    near = own ^ np.packbits(rng.random((20, 8, 256)) < rng.uniform(0, 0.3, (20, 1, 1)), axis=2)
    hashes = np.concatenate([own, near, rng.integers(0, 256, (20, 8, 32), dtype=np.uint8)])
    vectors = rng.normal(size=16) + rng.uniform(0, 1.5, (41, 1)) * rng.normal(size=(41, 16))
    embeddings = np.rint(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * NORM).astype(np.int16)
    rows, detail = SignalRows(hashes, embeddings), rng.uniform(4, 40, 41).astype(np.float32)
    pairs = find_pairs(rows, detail, scale, 0.0)
    file = snapshot.rows([0])[0].file
    found = likeness(rows, detail, Fingerprint(file, detail=float(detail[0]), rows=rows, row=0), scale)
    with_first = pairs.first == 0
    others = pairs.second[with_first]
    assert len(others) > 20
    assert found.similarity[others].tolist() == pairs.similarity[with_first].tolist()
    assert found.orientation[others].tolist() == pairs.orientation[with_first].tolist()


def test_an_empty_index_answers_that_nothing_is_there(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    empty = indexed(tmp_path / "set", tmp_path / "cache")
    full = tmp_path / "one"
    full.mkdir()
    buffer = io.BytesIO()
    scene(1, (160, 120)).save(buffer, "PNG")
    (full / "one.png").write_bytes(buffer.getvalue())
    one = indexed(full, tmp_path / "cache")
    fingerprint = KnownImages(one).fingerprint(one.rows([0])[0])
    found = check(KnownImages(empty), fingerprint, SIGNALS.scale, undecoded)
    assert (found.at_or_above(0), found.nearest) == ([], None)
