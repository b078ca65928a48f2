from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike_engine.fusion import HashScale
from lookalike_engine.hash_candidates import HashCandidates
from lookalike_engine.hash_distance import hash_distances, hash_ranks
from lookalike_engine.hashing import FULL_DETAIL, hash_grids
from lookalike_engine.orientation import Orientation
from lookalike_engine.pairs import Pairs, find_pairs
from lookalike_engine.recall import Aim
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import distance_at
from tests.made_signals import grids, turned

WIDEST = distance_at(0.8)


def with_copies(count: int, copies: int, noise: float = 3) -> NDArray[np.uint8]:
    """Hashes of pictures, and of noisy copies of the first of them, each turned another way."""
    rng = np.random.default_rng(count)
    originals = grids(rng, count)
    noisy = originals[:copies] + rng.normal(0, noise, (copies, 64, 64)).astype(np.float32)
    copied = [turned(grid, Orientation(number % 8)) for number, grid in enumerate(noisy)]
    hashes, _ = hash_grids(np.concatenate([originals, np.stack(copied)]))
    return hashes


def all_pairs(hashes: NDArray[np.uint8]) -> Pairs:
    """Those at 0.8 or above, by comparing everything."""
    signals = SignalRows(hashes, np.zeros((len(hashes), 0), dtype=np.int16))
    return find_pairs(signals, np.full(len(hashes), FULL_DETAIL, dtype=np.float32), HashScale(), 0.8)


def found(search: HashCandidates) -> dict[tuple[int, int], tuple[int, int]]:
    return {
        (int(first), int(second)): (int(distance), int(orientation))
        for batch in search.pairs()
        for first, second, distance, orientation in zip(*batch, strict=True)
    }


def test_every_near_copy_is_found_in_all_eight_orientations() -> None:
    hashes = with_copies(2000, 160)
    pairs = found(HashCandidates(hashes, WIDEST))
    for number in range(160):
        distance, orientation = pairs[number, 2000 + number]
        assert distance <= distance_at(0.95)
        assert orientation == number % 8


def test_distances_and_orientations_are_those_of_comparing_everything() -> None:
    hashes = with_copies(1500, 300, noise=12)
    every = all_pairs(hashes)
    exact = {
        (int(first), int(second)): (int(distance), int(orientation))
        for first, second, distance, orientation in zip(
            every.first, every.second, every.distance, every.orientation, strict=True
        )
    }
    pairs = found(HashCandidates(hashes, WIDEST))
    assert pairs.items() <= exact.items()
    assert len(pairs) > 0.98 * len(exact)


def test_the_recall_of_a_sample_is_the_recall_of_all_when_all_are_sampled() -> None:
    hashes = with_copies(1500, 300, noise=25)
    every = all_pairs(hashes)
    search = HashCandidates(hashes, WIDEST, aim=Aim(target=0.3, levels=(62,), sampled_images=1800))
    pairs = found(search)
    assert search.recall is not None
    for level in search.recall.levels:
        assert level.pairs == 2 * np.count_nonzero(every.distance <= level.level)
        assert level.found == 2 * sum(distance <= level.level for distance, _ in pairs.values())


def test_the_pairs_of_a_dense_group_are_all_yielded() -> None:
    rng = np.random.default_rng(2)
    still = grids(rng, 1) + rng.normal(0, 1.5, (900, 64, 64)).astype(np.float32)
    hashes, _ = hash_grids(np.concatenate([grids(rng, 900), still]))
    pairs = found(HashCandidates(hashes, WIDEST))
    assert sum(first >= 900 for first, _ in pairs) == 900 * 899 // 2


def test_every_image_gets_a_neighbour_and_its_distance_whether_close_or_not() -> None:
    hashes = with_copies(800, 8)
    search = HashCandidates(hashes, 40)
    found(search)
    numbers = np.arange(len(hashes))
    assert ((search.nearest >= 0) & (search.nearest != numbers)).all()
    distance, _ = hash_distances(hashes, hash_ranks(hashes), numbers, search.nearest)
    assert np.array_equal(distance, search.nearest_distance)


def test_the_same_hashes_give_the_same_pairs_and_neighbours() -> None:
    hashes = with_copies(1000, 200, noise=20)
    one, other = HashCandidates(hashes, WIDEST), HashCandidates(hashes, WIDEST)
    assert found(one) == found(other)
    assert np.array_equal(one.nearest, other.nearest)
    assert one.recall == other.recall


def test_a_search_ends_when_it_is_told_to_stop() -> None:
    hashes = with_copies(1000, 8)
    for calls in (0, 2, 8, 9):
        left = iter(range(calls))

        def stop(left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            found(HashCandidates(hashes, WIDEST, stop=stop))


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_handful_of_images_has_the_pairs_it_has(count: int) -> None:
    hashes = np.zeros((count, 8, 32), dtype=np.uint8)
    search = HashCandidates(hashes, WIDEST)
    assert len(found(search)) == count * (count - 1) // 2
    assert search.recall is not None
