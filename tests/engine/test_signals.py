"""What is found by hash and embedding together, and models that are brought along."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.embedder import whole_numbers
from lookalike_engine.errors import EngineError
from lookalike_engine.fusion import Fusion
from lookalike_engine.indexing import index
from lookalike_engine.linkage import Merges, clusters_at
from lookalike_engine.model import read_model
from lookalike_engine.signals import load_signals
from lookalike_engine.snapshot import Snapshot
from tests.pictures import scene

DESCRIPTIONS = Path(read_model.__code__.co_filename).parent / "models"

PIXELS: dict[str, Any] = json.loads((DESCRIPTIONS / "lite0.json").read_bytes())["input"]
FUSION: dict[str, Any] = json.loads((DESCRIPTIONS / "lite0.json").read_bytes())["fusion"]

Run = Callable[..., Snapshot]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    def indexed(signals: str = "lite0") -> Snapshot:
        settings = EngineSettings(cache_dir=tmp_path / "cache", signals=signals)
        return index(FolderDataset("pictures", (folder,)), settings).snapshot

    return indexed


def clusters(snapshot: Snapshot, threshold: float = 0.95) -> set[frozenset[str]]:
    merges = Merges(snapshot.merge_first, snapshot.merge_second, snapshot.merge_similarity)
    labels = clusters_at(merges, threshold, snapshot.image_count)
    paths = [row.file_path for row in snapshot.rows(range(snapshot.image_count))]
    found = [frozenset(paths[image] for image in np.flatnonzero(labels == label)) for label in set(labels.tolist())]
    return {cluster for cluster in found if len(cluster) > 1}


def described(folder: Path, **changes: Any) -> str:
    """Write the description of the built-in model with some changes, and return its path."""
    description = json.loads((DESCRIPTIONS / "lite0.json").read_bytes())
    description |= {"name": "mine", "file": str(DESCRIPTIONS / "lite0.onnx")} | changes
    path = folder / "mine.json"
    path.write_text(json.dumps(description), encoding="utf-8")
    return str(path)


def test_a_copy_with_a_plain_border_is_found_by_every_signal(folder: Path, run: Run) -> None:
    scene(1).save(folder / "plain.png")
    ImageOps.expand(scene(1), 90, (20, 60, 120)).save(folder / "framed.jpg", quality=85)
    ImageOps.expand(scene(1), (0, 70), "white").save(folder / "banded.png")
    scene(2).save(folder / "other.png")
    together = {frozenset({"plain.png", "framed.jpg", "banded.png"})}
    assert clusters(run("hash")) == together
    assert clusters(run("lite0")) == together


def test_the_embedding_finds_a_crop_that_the_hash_misses(folder: Path, run: Run) -> None:
    scene(3).save(folder / "whole.png")
    scene(3).crop((40, 20, 620, 450)).save(folder / "crop.png")
    assert clusters(run("hash")) == set()
    assert clusters(run("lite0")) == {frozenset({"whole.png", "crop.png"})}


def test_two_unlike_copies_are_together_where_their_original_speaks_for_both(folder: Path, run: Run) -> None:
    original = scene(3)
    original.save(folder / "original.png")
    original.crop((40, 20, 620, 450)).save(folder / "crop.png")
    original.filter(ImageFilter.GaussianBlur(7)).convert("L").save(folder / "grey blur.png")
    assert clusters(run()) == {frozenset({"original.png", "crop.png", "grey blur.png"})}
    (folder / "original.png").unlink()
    assert clusters(run()) == set()


def test_pictures_of_one_style_are_no_near_duplicates_of_each_other(folder: Path, run: Run) -> None:
    for seed in range(60):
        scene(seed, (320, 240)).save(folder / f"{seed:02}.png")
    blurred = scene(7, (320, 240)).filter(ImageFilter.GaussianBlur(2))
    blurred.save(folder / "07 blurred.jpg")
    assert clusters(run()) == {frozenset({"07.png", "07 blurred.jpg"})}


def page(number: int) -> Image.Image:
    """Fill in a page of one template: a heading, some rows of boxes for words, a line below."""
    rng = np.random.default_rng(number)
    image = Image.new("RGB", (420, 594), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, 140, 70), fill=(30, 60, 120))
    draw.rectangle((30, 120, 390, 140), fill=(200, 200, 210))
    for row in range(int(rng.integers(3, 15))):
        left = 35
        for width in rng.integers(8, 60, int(rng.integers(2, 7))).tolist():
            draw.rectangle((left, 150 + 26 * row, min(left + width, 385), 160 + 26 * row), fill=(60, 60, 60))
            left += width + 12
    draw.rectangle((250, 560, 390, 572), fill=(90, 90, 90))
    return image


def test_most_pages_on_one_template_stay_apart_and_copies_of_a_page_do_not(folder: Path, run: Run) -> None:
    for number in range(60):
        page(number).save(folder / f"{number:02}.png")
    page(7).save(folder / "07 scan.jpg", quality=60)
    found = clusters(run())
    assert {"07.png", "07 scan.jpg"} <= next(cluster for cluster in found if "07.png" in cluster)
    assert sum(len(cluster) for cluster in found) <= 20


def test_an_embedding_does_not_depend_on_what_it_is_taken_along_with(folder: Path, run: Run) -> None:
    for seed in range(12):
        scene(seed, (200, 150)).save(folder / f"{seed:02}.png")
    together = np.asarray(run().signal_rows.embeddings)[5].tolist()
    for seed in range(12):
        if seed != 5:
            (folder / f"{seed:02}.png").unlink()
    (folder / "05.png").write_bytes((folder / "05.png").read_bytes())  # its new times have it read again
    assert np.asarray(run().signal_rows.embeddings)[0].tolist() == together


@pytest.mark.parametrize("name", ["lite0", "sscd"])
def test_similarity_never_falls_when_a_signal_gets_closer(name: str) -> None:
    fusion = Fusion.from_json(json.loads((DESCRIPTIONS / f"{name}.json").read_bytes())["fusion"])
    for stretch in ((1.0, 1.0), (2.5, 1.0), (1.0, 3.0)):
        table = fusion.stretched(*stretch).table
        assert (np.diff(table, axis=0) >= 0).all()
        assert (np.diff(table, axis=1) <= 0).all()
        assert table.max() == 9990
        assert table.min() >= 0


def test_the_scale_of_a_dataset_is_made_once_for_all_questions_to_it() -> None:
    scale = load_signals("lite0").scale
    assert scale.stretched(1.25, 1.5) is scale.stretched(1.25, 1.5)
    assert scale.stretched(1.25, 1.5) is not scale.stretched(1.5, 1.25)


def test_another_model_is_a_description_away(folder: Path, run: Run, tmp_path: Path) -> None:
    scene(1).save(folder / "one.png")
    scene(1).resize((320, 240)).save(folder / "half.png")
    pixels = json.loads((DESCRIPTIONS / "lite0.json").read_bytes())["input"]
    snapshot = run(described(tmp_path, input=pixels | {"side": 128}))
    assert snapshot.signals == ("hash", "mine")
    assert clusters(snapshot) == {frozenset({"one.png", "half.png"})}


def test_other_signals_have_an_index_of_their_own_and_leave_the_first_alone(folder: Path, tmp_path: Path) -> None:
    scene(1).save(folder / "one.png")
    described_one = described(tmp_path)
    seen: dict[str, Snapshot] = {}
    for signals in ("lite0", "hash", described_one, "lite0", "hash", described_one):
        settings = EngineSettings(cache_dir=tmp_path / "cache", signals=signals)
        report = index(FolderDataset("pictures", (folder,)), settings)
        assert report.read == (0 if signals in seen else 1)
        assert seen.setdefault(signals, report.snapshot).revision == report.snapshot.revision
    assert [seen[signals].signal_rows.embeddings.shape for signals in ("lite0", "hash")] == [(1, 1280), (1, 0)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": "nowhere.onnx"}, "cannot be read"),
        ({"output": {"name": "embedding", "dimension": 0}}, "dimension 0"),
        ({"output": {"name": "embedding"}}, "dimension"),
        ({"input": {"name": "pixels", "side": 7, "layout": "NHWC", "type": "uint8"}}, "side 7"),
        ({"input": {"name": "pixels", "side": 64, "layout": "CHWN", "type": "uint8"}}, "layout"),
        ({"input": PIXELS | {"side": 1e999}}, "OverflowError"),
        ({"input": PIXELS | {"type": "float32", "mean": [0, 0, float("nan")]}}, "finite"),
        ({"package": "no_such_package"}, "is not installed"),
        ({"package": "no_such_package.inside"}, "is not installed"),
        ({"fusion": {}}, "share_of_less"),
        ({"fusion": FUSION | {"anchors": [[0, 0], [12, 0.9995]]}}, "0.999"),
    ],
)
def test_a_wrong_description_is_refused_with_what_is_wrong(tmp_path: Path, changes: Any, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        load_signals(described(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"output": {"name": "embedding", "dimension": 512}}, "its description says 512"),
        ({"output": {"name": "vector", "dimension": 1280}}, "no output 'vector'"),
        ({"input": {"name": "image", "side": 64, "layout": "NHWC", "type": "uint8"}}, "no input 'image'"),
    ],
)
def test_a_model_that_is_not_as_described_ends_the_run(
    folder: Path, run: Run, tmp_path: Path, changes: Any, said: str
) -> None:
    Image.new("RGB", (64, 64)).save(folder / "one.png")
    with pytest.raises(EngineError, match=said):
        run(described(tmp_path, **changes))


def test_a_file_that_is_no_model_ends_the_run(folder: Path, run: Run, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(folder / "one.png")
    (tmp_path / "fake.onnx").write_bytes(b"not a model")
    with pytest.raises(EngineError, match="cannot be loaded"):
        run(described(tmp_path, file=str(tmp_path / "fake.onnx")))


def test_a_model_that_gives_no_numbers_is_no_reason_to_call_pictures_alike() -> None:
    with pytest.raises(EngineError, match="not finite"):
        whole_numbers(np.array([0.5, np.nan], dtype=np.float32))
    assert not whole_numbers(np.zeros(4, dtype=np.float32)).any()
