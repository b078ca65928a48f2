"""Comparing what an index brings together, beside comparing everything."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike_engine.comparison import Comparison, compare
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.fusion import Fusion, HashScale, Scale
from lookalike_engine.hashing import hash_grids
from lookalike_engine.linkage import Merges, clusters_at
from lookalike_engine.orientation import Orientation
from lookalike_engine.pairs import MAX_PAIRS, Pairs
from lookalike_engine.scan import FoundFile
from lookalike_engine.search import Search, search
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.signals import load_signals
from tests.made_signals import DIM, grids, topics, turned, whole

LITE0 = load_signals("lite0").scale
ORIGINALS, COPIES = 1600, 240
PLANTED = [(number, ORIGINALS + number) for number in range(COPIES)]


@cache
def planted(seed: int = 1, originals: int = ORIGINALS, copies: int = COPIES) -> SignalRows:
    """Originals, then copies of the first: by both signals, by the hash alone, by the embedding alone, and so on."""
    rng = np.random.default_rng(seed)
    pictures, vectors = grids(rng, originals), topics(rng, originals)
    noisy = pictures[:copies] + rng.normal(0, 3, (copies, 64, 64)).astype(np.float32)
    near = vectors[:copies] + rng.normal(0, 0.2, (copies, DIM))
    others, elsewhere = grids(rng, copies), topics(rng, copies)
    for number in range(copies):
        noisy[number] = turned(noisy[number] if number % 3 < 2 else others[number], Orientation(number % 8))
        near[number] = near[number] if number % 3 != 1 else elsewhere[number]
    hashes, _ = hash_grids(np.concatenate([pictures, noisy]))
    return SignalRows(hashes, whole(np.concatenate([vectors, near])))


def details(m: int) -> NDArray[np.float32]:
    """Some have little detail, as photographs of the sky."""
    return np.random.default_rng(m).uniform(16, 60, m).astype(np.float32)


def searched(
    signals: SignalRows, scale: Scale, floor: float, exact_up_to: int, max_pairs: int = MAX_PAIRS
) -> tuple[Pairs, Search]:
    return search(
        signals,
        details(len(signals.hashes)),
        scale,
        floor,
        exact_up_to=exact_up_to,
        max_pairs=max_pairs,
        on_progress=lambda _done, _total: None,
        stop=lambda: None,
    )


def compared(  # noqa: PLR0913 - what few tests give has defaults
    signals: SignalRows,
    exact_up_to: int,
    *,
    work: Path | None = None,
    copies: int = 0,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    stop: Callable[[], None] = lambda: None,
) -> Comparison:
    """Compare pictures, the last `copies` of which have the bytes of the first ones."""
    m = len(signals.hashes)
    detail = details(m)
    pictures = [
        Fingerprint(
            FoundFile(f"{image:06}.png", "", 1, 1, (1, image + 1)),
            width=640,
            height=480,
            content_hash=(image if image < m - copies else image - m + copies).to_bytes(16, "big"),
            detail=float(detail[image]),
        )
        for image in range(m)
    ]
    return compare(
        pictures, signals, LITE0, lambda _images: None, on_progress, stop, work=work, exact_up_to=exact_up_to
    )


def clusters(comparison: Comparison, threshold: float) -> list[int]:
    merges = Merges(comparison.merge_first, comparison.merge_second, comparison.merge_similarity)
    found: list[int] = clusters_at(merges, threshold, len(comparison.nearest)).tolist()
    return found


def known(pairs: Pairs | Comparison, least: float = 0.0) -> dict[tuple[int, int], tuple[float, int]]:
    if isinstance(pairs, Comparison):
        columns = (pairs.pair_first, pairs.pair_second, pairs.pair_similarity, pairs.pair_orientation)
    else:
        columns = (pairs.first, pairs.second, pairs.similarity, pairs.orientation)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {(first, second): (similarity, turn) for first, second, similarity, turn in rows if similarity >= least}


def test_every_planted_copy_is_found_and_the_clusters_are_those_of_comparing_everything(tmp_path: Path) -> None:
    signals = planted()
    exact, approximate = compared(signals, 10_000), compared(signals, 100, work=tmp_path)
    assert (exact.search.exact, approximate.search.exact) == (True, False)
    assert clusters(approximate, 0.95) == clusters(exact, 0.95)
    found = known(approximate)
    assert set(PLANTED) <= set(known(exact, 0.95))
    assert known(approximate, 0.95) == known(exact, 0.95)
    assert found.items() <= known(exact).items()
    assert approximate.floor == exact.floor


def test_the_nearest_of_a_copy_is_its_original_and_others_have_one_that_is_no_nearer_than_the_true_one() -> None:
    signals = planted()
    (exact, _), (approximate, _) = searched(signals, LITE0, 0.8, 10_000), searched(signals, LITE0, 0.8, 100)
    for _, copy in PLANTED:
        assert approximate.nearest_similarity[copy] == exact.nearest_similarity[copy]
    assert (approximate.nearest_similarity <= exact.nearest_similarity).all()
    assert ((approximate.nearest >= 0) & (approximate.nearest != np.arange(len(approximate.nearest)))).all()


def test_hashes_alone_are_searched_like_hashes_with_embeddings() -> None:
    both = planted()
    signals = SignalRows(both.hashes, np.zeros((len(both.hashes), 0), dtype=np.int16))
    (exact, _), (approximate, how) = searched(signals, HashScale(), 0.8, 10_000), searched(signals, HashScale(), 0.8, 9)
    assert known(approximate, 0.95) == known(exact, 0.95)
    assert known(approximate).items() <= known(exact).items()
    assert how.recall is not None


def test_images_that_stand_for_exact_copies_are_searched_from_a_copy_on_disk(tmp_path: Path) -> None:
    signals = planted()
    signals = SignalRows(*(np.concatenate([each[:-5], each[:5]]) for each in (signals.hashes, signals.embeddings)))
    exact, approximate = compared(signals, 10_000, copies=5), compared(signals, 100, work=tmp_path, copies=5)
    assert clusters(approximate, 0.95) == clusters(exact, 0.95)
    assert known(approximate, 0.95) == known(exact, 0.95)
    assert np.load(tmp_path / "compared" / "embeddings.npy", mmap_mode="r").shape == (len(signals.hashes) - 5, DIM)


def test_the_recall_is_measured_on_a_sample_by_all_signals_together() -> None:
    comparison = compared(planted(), 100)
    told = comparison.search.as_json()
    recall = comparison.search.recall
    assert recall is not None
    assert told == {"exact": False, "floor_raised": False, "recall": recall.as_json()}
    assert [level.level for level in recall.levels] == [0.95, comparison.floor]
    assert recall.levels[0].found == recall.levels[0].pairs > 0
    assert recall.sampled_images == 500


def test_the_recall_of_a_sample_is_that_of_all_where_all_are_sampled() -> None:
    signals = planted(originals=440, copies=60)
    (exact, _), (approximate, how) = searched(signals, LITE0, 0.3, 500), searched(signals, LITE0, 0.3, 10)
    assert len(approximate.first) < len(exact.first)
    assert how.recall is not None
    for level in how.recall.levels:
        assert level.pairs == 2 * len(known(exact, level.level))
        assert level.found == 2 * len(known(approximate, level.level))
    same = np.count_nonzero(approximate.nearest_similarity == exact.nearest_similarity)
    assert (how.recall.nearest, how.recall.nearest_found) == (500, int(same))


def test_an_exact_search_says_that_it_is_one() -> None:
    assert compared(planted(originals=50, copies=5), 100).search.as_json() == {
        "exact": True,
        "floor_raised": False,
        "recall": None,
    }


@pytest.mark.parametrize("exact_up_to", [10, 10_000])
def test_where_pairs_do_not_fit_the_least_alike_go_and_it_is_said(exact_up_to: int) -> None:
    signals = planted()
    everything, _ = searched(signals, LITE0, 0.8, 10_000)
    fewer, how = searched(signals, LITE0, 0.8, exact_up_to, max_pairs=200)
    assert how.floor_raised
    assert fewer.floor > 0.8
    assert 0 < len(fewer.first) <= 200
    assert known(fewer) == known(everything, fewer.floor)


@pytest.mark.parametrize(
    "scale", [LITE0, LITE0.stretched(1.7, 1.0), LITE0.stretched(1.7, 2.0), HashScale(), HashScale(1.6)]
)
@pytest.mark.parametrize("steps", [0, 1, 5000, 7000, 8000, 9500, 9900, 9990, 9991])
def test_whatever_reaches_a_similarity_is_within_its_bounds(scale: Scale, steps: int) -> None:
    cosine, distance = scale.bounds(steps)
    least = scale.least_cosine(steps).astype(int)
    assert (least[distance + 1 :] >= min(cosine, 4096 if isinstance(scale, Fusion) else 4097)).all()


@pytest.mark.parametrize("calls", [0, 1, 4, 12, 40])
def test_an_approximate_search_ends_when_it_is_told_to_stop(calls: int) -> None:
    asked = count()

    def stop() -> None:
        if next(asked) >= calls:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        compared(planted(originals=900, copies=30), 100, stop=stop)


def test_progress_rises_to_its_total_and_what_it_raises_ends_the_search() -> None:
    told: list[tuple[int, int]] = []
    signals = planted(originals=900, copies=30)
    compared(signals, 100, on_progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]

    def interrupt(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        compared(signals, 100, on_progress=interrupt)


def test_without_faiss_all_are_compared_and_the_log_says_what_to_install() -> None:
    program = (
        "import logging, sys\n"
        "sys.modules['faiss'] = None\n"
        "logging.basicConfig(stream=sys.stderr)\n"
        "from tests.engine.test_search import compared, known, planted\n"
        "signals = planted(originals=200, copies=30)\n"
        "comparison = compared(signals, 100)\n"
        "print(comparison.search.exact, known(comparison) == known(compared(signals, 10_000)), len(known(comparison)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    exact, same, pairs = done.stdout.split()
    assert (exact, same) == ("True", "True")
    assert int(pairs) >= 30
    assert "230 pictures are all compared" in done.stderr
    assert "pip install 'lookalike-mcp[large]'" in done.stderr
