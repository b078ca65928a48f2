import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike_engine import cells
from lookalike_engine.cells import MissingFaissError
from lookalike_engine.embedding_candidates import EmbeddingCandidates
from lookalike_engine.recall import Aim
from tests.made_signals import DIM, topics, whole

LEAST = 0.8


def found(search: EmbeddingCandidates) -> list[tuple[int, int]]:
    return [
        (int(one), int(other)) for first, second, _ in search.pairs() for one, other in zip(first, second, strict=True)
    ]


def close_pairs(embeddings: NDArray[np.int16], least: float) -> set[tuple[int, int]]:
    vectors = embeddings.astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = np.nonzero(np.triu(vectors @ vectors.T >= least, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


def test_every_planted_copy_is_found_and_no_pair_comes_twice() -> None:
    rng = np.random.default_rng(1)
    originals = topics(rng, 2000)
    copies = originals[:300] + rng.normal(0, 0.2, (300, DIM))
    embeddings = whole(np.concatenate([originals, copies]))
    pairs = found(EmbeddingCandidates(embeddings, LEAST))
    assert {(number, 2000 + number) for number in range(300)} <= set(pairs)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) <= close_pairs(embeddings, LEAST - 1e-6)


def test_the_pairs_of_a_dense_group_are_all_yielded() -> None:
    rng = np.random.default_rng(2)
    frames = topics(rng, 1) + rng.normal(0, 0.1, (1500, DIM))
    embeddings = whole(np.concatenate([topics(rng, 1500), frames]))
    search = EmbeddingCandidates(embeddings, LEAST, aim=Aim(levels=(0.95,)))
    within_group = {pair for pair in found(search) if pair[0] >= 1500}
    assert len(within_group) == 1500 * 1499 // 2


def test_the_recall_of_a_sample_is_the_recall_of_all_when_all_are_sampled() -> None:
    embeddings = whole(topics(np.random.default_rng(3), 1200))
    least = 0.55  # among the loose clouds: many pairs, and some in cells that are not probed
    search = EmbeddingCandidates(embeddings, least, aim=Aim(target=0.5, levels=(0.6,), sampled_images=1200))
    pairs = set(found(search))
    assert search.recall is not None
    for level in search.recall.levels:
        true = close_pairs(embeddings, level.level)
        assert level.pairs == pytest.approx(2 * len(true), abs=2)
        assert level.found == pytest.approx(2 * len(true & pairs), abs=2)
    assert search.recall.levels[-1].found < search.recall.levels[-1].pairs


def test_more_cells_are_probed_where_a_sample_misses_pairs() -> None:
    embeddings = whole(topics(np.random.default_rng(3), 1200))
    few = EmbeddingCandidates(embeddings, 0.55, aim=Aim(target=0.5))
    many = EmbeddingCandidates(embeddings, 0.55, aim=Aim(target=1.0))
    assert len(found(few)) < len(found(many))
    assert few.recall is not None
    assert many.recall is not None
    assert (few.recall.probes or 0) < (many.recall.probes or 0)


def test_the_same_vectors_give_the_same_pairs_and_neighbours() -> None:
    embeddings = whole(topics(np.random.default_rng(4), 1500))
    one, other = EmbeddingCandidates(embeddings, 0.6), EmbeddingCandidates(embeddings, 0.6)
    assert found(one) == found(other)
    assert np.array_equal(one.nearest, other.nearest)
    assert one.recall == other.recall


def test_every_image_gets_a_neighbour_and_its_cosine_whether_close_or_not() -> None:
    embeddings = whole(topics(np.random.default_rng(5), 900))
    search = EmbeddingCandidates(embeddings, 0.99)
    assert found(search) == []
    assert (search.nearest >= 0).all()
    assert (search.nearest != np.arange(900)).all()
    vectors = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert search.nearest_cosine == pytest.approx((vectors * vectors[search.nearest]).sum(axis=1), abs=1e-5)


def test_a_memory_map_is_read_and_not_changed(tmp_path: Path) -> None:
    embeddings = whole(topics(np.random.default_rng(6), 800))
    np.save(tmp_path / "embeddings.npy", embeddings)
    before = (tmp_path / "embeddings.npy").read_bytes()
    mapped = np.load(tmp_path / "embeddings.npy", mmap_mode="r")
    assert found(EmbeddingCandidates(mapped, 0.6)) == found(EmbeddingCandidates(embeddings, 0.6))
    assert (tmp_path / "embeddings.npy").read_bytes() == before


def test_raising_the_least_cosine_on_the_way_leaves_the_levels_below_out_of_the_report() -> None:
    embeddings = whole(topics(np.random.default_rng(7), 1000))
    search = EmbeddingCandidates(embeddings, 0.5, aim=Aim(levels=(0.6, 0.7)))
    for _ in search.pairs():
        search.least_cosine = 0.6
    assert search.recall is not None
    assert [level.level for level in search.recall.levels] == [0.7, 0.6]


class Stopped(Exception):  # noqa: N818 - not an error, a wish
    pass


def after(calls: int) -> Callable[[], None]:
    left = iter(range(calls))

    def stop() -> None:
        if next(left, None) is None:
            raise Stopped

    return stop


@pytest.mark.parametrize("calls", [0, 3, 8, 40])
def test_a_search_ends_when_it_is_told_to_stop(calls: int) -> None:
    embeddings = whole(topics(np.random.default_rng(8), 1000))
    with pytest.raises(Stopped):
        found(EmbeddingCandidates(embeddings, LEAST, stop=after(calls)))


def test_progress_rises_to_its_total() -> None:
    told: list[tuple[int, int]] = []
    embeddings = whole(topics(np.random.default_rng(9), 1000))
    found(EmbeddingCandidates(embeddings, LEAST, progress=lambda done, total: told.append((done, total))))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_handful_of_images_has_the_pairs_it_has(count: int) -> None:
    embeddings = np.full((count, DIM), 300, dtype=np.int16)
    search = EmbeddingCandidates(embeddings, 0.95)
    assert len(found(search)) == count * (count - 1) // 2
    assert search.recall is not None


def test_blank_vectors_are_like_nothing() -> None:
    embeddings = whole(topics(np.random.default_rng(10), 50))
    embeddings[:20] = 0
    assert all(first >= 20 for first, _ in found(EmbeddingCandidates(embeddings, 0.3)))


def test_vectors_too_long_to_be_exact_are_refused() -> None:
    with pytest.raises(ValueError, match="norm of 4096 at most"):
        EmbeddingCandidates(np.full((3, DIM), 500, dtype=np.int16), LEAST)


def test_without_faiss_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "find_spec", lambda _name: None)
    embeddings = whole(topics(np.random.default_rng(11), 50))
    with pytest.raises(MissingFaissError, match=re.escape("pip install 'lookalike-mcp[large]'")):
        found(EmbeddingCandidates(embeddings, LEAST))
