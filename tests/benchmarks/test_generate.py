"""The made set: the same from the same seed, and nothing in it that its table does not explain."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.engine.edits import EDITS, ON_BACKGROUND
from benchmarks.engine.generate import generate
from benchmarks.engine.photographs import photographs_below, windows_of
from benchmarks.engine.plan import Recipe
from benchmarks.engine.truth import PICTURES, Row, read_truth
from tests.pictures import jpeg_bytes, scene, tree_digest


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve scenes, one of them large enough for windows."""
    folder = tmp_path_factory.mktemp("photographs")
    for seed in range(11):
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed, (160, 120))))
    (folder / "large.jpg").write_bytes(jpeg_bytes(scene(11, (640, 480))))
    return folder


@pytest.fixture(scope="module")
def bursts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes of three shots each."""
    folder = tmp_path_factory.mktemp("bursts")
    for name in ("pears", "plums"):
        for shot in range(3):
            picture = scene(len(name), (160, 120)).rotate(shot * 5)
            (folder / f"{name}_{shot}.jpg").write_bytes(jpeg_bytes(picture))
    return folder


@pytest.fixture(scope="module")
def made(photographs: Path, bursts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "set"
    generate(Recipe(photographs, (bursts,), images=200, size=128, seed=5), out)
    return out


def _contents(made: Path) -> dict[str, bytes]:
    return {name: content for name, (_, _, _, content) in tree_digest(made).items()}


def test_one_seed_makes_the_same_bytes_again_and_another_makes_others(
    photographs: Path, bursts: Path, tmp_path: Path
) -> None:
    recipe = Recipe(photographs, (bursts,), images=30, size=128, seed=5)
    other = Recipe(photographs, (bursts,), images=30, size=128, seed=6)

    generate(recipe, tmp_path / "once")
    generate(recipe, tmp_path / "again")
    generate(other, tmp_path / "other")

    assert _contents(tmp_path / "once") == _contents(tmp_path / "again")
    assert _contents(tmp_path / "once") != _contents(tmp_path / "other")


def test_the_table_names_every_picture_once_and_there_are_as_many_as_asked_for(made: Path) -> None:
    rows = read_truth(made)

    assert [row.file for row in rows] == sorted(path.name for path in (made / PICTURES).iterdir())
    assert len(rows) == 200


def test_every_group_has_one_original_of_which_the_others_are_named_edits(made: Path) -> None:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in read_truth(made):
        groups[row.group].append(row)

    for rows in groups.values():
        (original,) = (row for row in rows if row.tier == "original")
        assert {row.base for row in rows} == {original.file}
        assert {(row.kind, row.scene) for row in rows} == {(original.kind, original.scene)}
        edits = [row for row in rows if row.tier != "original"]
        assert all(EDITS[row.transform].tier == row.tier for row in edits)
        assert all(Path(row.file).suffix == EDITS[row.transform].suffix for row in edits)
        assert len({row.transform for row in edits}) == len(edits)


def test_few_photographs_are_joined_by_windows_of_the_large_one_under_its_scene(made: Path) -> None:
    windows = [row for row in read_truth(made) if row.kind == "window"]

    assert windows
    assert {row.scene for row in windows} == {"large.jpg"}


def test_windows_of_a_photograph_do_not_overlap_and_lie_inside_it(photographs: Path) -> None:
    windows = windows_of(photographs_below(photographs), 128, np.random.default_rng(1), wanted=100)

    covered = np.zeros((480, 640), dtype=int)
    for window in windows:
        assert window.box is not None
        left, top, right, bottom = window.box
        covered[top:bottom, left:right] += 1
    assert covered.max() == 1
    assert covered.sum() == sum((w.box[2] - w.box[0]) * (w.box[3] - w.box[1]) for w in windows if w.box is not None)


def test_bursts_have_no_copies_and_their_shots_share_a_scene(made: Path) -> None:
    shots = [row for row in read_truth(made) if row.kind == "burst"]

    assert {row.tier for row in shots} == {"original"}
    assert sorted(Counter(row.scene for row in shots).values()) == [3, 3]


def test_an_exact_copy_is_its_original_byte_for_byte_and_no_other_edit_is(made: Path) -> None:
    rows = [row for row in read_truth(made) if row.tier != "original"]
    same = {
        row.file
        for row in rows
        if (made / PICTURES / row.file).read_bytes() == (made / PICTURES / row.base).read_bytes()
    }

    assert same == {row.file for row in rows if row.transform == "exact"}


def test_every_edit_but_the_lossless_one_changes_what_is_seen(made: Path) -> None:
    seen: set[str] = set()
    for row in read_truth(made):
        if row.tier == "original" or row.transform == "exact":
            continue
        with Image.open(made / PICTURES / row.file) as copy, Image.open(made / PICTURES / row.base) as original:
            is_same = copy.size == original.size and np.array_equal(np.asarray(copy), np.asarray(original))
        assert is_same == (row.transform == "png"), row
        seen.add(row.transform)

    assert len(seen) > 30


def test_a_picture_pasted_on_another_names_the_group_behind_it(made: Path) -> None:
    rows = read_truth(made)
    pasted = [row for row in rows if row.transform == ON_BACKGROUND]

    assert pasted
    assert {row.backdrop for row in pasted} <= {row.group for row in rows}
    assert all(row.backdrop != row.group for row in pasted)
    assert {row.backdrop for row in rows if row.transform != ON_BACKGROUND} == {""}


def test_originals_are_no_larger_than_the_size_asked_for(made: Path) -> None:
    for row in read_truth(made):
        if row.tier == "original":
            with Image.open(made / PICTURES / row.file) as picture:
                assert max(picture.size) <= 128


def test_more_images_than_the_photographs_can_give_are_refused(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="give more photographs or ask for fewer"):
        generate(Recipe(photographs, images=5000, size=128), tmp_path / "set")


def test_a_set_is_not_made_over_what_is_there(photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is there already"):
        generate(Recipe(photographs, images=5), tmp_path)


def test_a_file_that_cannot_be_read_as_a_photograph_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "broken.jpg").write_bytes(b"not a picture")

    with pytest.raises(SystemExit, match=r"broken\.jpg cannot be read as a picture"):
        generate(Recipe(folder, images=5), tmp_path / "set")
