"""Close pairs of hashes in eight orientations."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike_engine.orientation import Orientation, relation
from lookalike_engine.pairs import Pairs, TooManyPairsError, find_pairs
from lookalike_engine.similarity import similarity_of

Hashes = NDArray[np.uint8]


def random_hashes(m: int, seed: int) -> Hashes:
    return np.random.default_rng(seed).integers(0, 256, (m, 8, 32), dtype=np.uint8)


def with_copies(m: int, seed: int) -> Hashes:
    """Random hashes of which many are another's, in some orientation, with some bits changed."""
    rng = np.random.default_rng(seed)
    hashes = random_hashes(m, seed)
    for copy in range(1, m, 2):
        original, turned, bits = rng.integers(copy), rng.integers(8), rng.integers(100)
        bitmask = np.zeros(256, dtype=np.uint8)
        bitmask[rng.choice(256, bits, replace=False)] = 1
        hashes[copy, 0] = hashes[original, turned] ^ np.packbits(bitmask)
    return hashes


def naive_pair(hashes: Hashes, a: int, b: int) -> tuple[int, Orientation]:
    """Distance and orientation of b relative to a, by counting bits."""
    swapped = hashes[b, 0].tobytes() < hashes[a, 0].tobytes()
    turned, upright = (b, a) if swapped else (a, b)
    distances = [
        sum((int(x) ^ int(y)).bit_count() for x, y in zip(hashes[turned, k], hashes[upright, 0], strict=True))
        for k in range(8)
    ]
    orientation = Orientation(int(np.argmin(distances)))
    return min(distances), orientation.inverse if swapped else orientation


def as_dict(pairs: Pairs) -> dict[tuple[int, int], tuple[int, int]]:
    ends = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    found = zip(pairs.distance.tolist(), pairs.orientation.tolist(), strict=True)
    return dict(zip(ends, found, strict=True))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40), st.integers(0, 2**32), st.sampled_from([0.50, 0.70, 0.95]))
def test_every_pair_from_the_floor_up_is_found_with_its_distance_and_orientation(
    m: int, seed: int, floor: float
) -> None:
    hashes = with_copies(m, seed)
    expected = {(a, b): naive_pair(hashes, a, b) for a, b in combinations(range(m), 2)}
    close = {ends: pair for ends, pair in expected.items() if similarity_of(np.array(pair[0])) >= floor}
    assert as_dict(find_pairs(hashes, floor)) == close


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 40), st.integers(0, 2**32))
def test_the_nearest_other_picture_is_found_however_far(m: int, seed: int) -> None:
    hashes = with_copies(m, seed)
    pairs = find_pairs(hashes, 0.95)
    for a in range(m):
        distances = {b: naive_pair(hashes, a, b)[0] for b in range(m) if b != a}
        assert pairs.nearest_distance[a] == min(distances.values())
        assert distances[int(pairs.nearest[a])] == min(distances.values())


def test_pairs_across_blocks_are_found_like_those_within() -> None:
    hashes = random_hashes(5000, 1)
    hashes[[4999, 2100, 513]] = hashes[0]
    pairs = find_pairs(hashes, 0.95)
    assert sorted(as_dict(pairs)) == [(0, 513), (0, 2100), (0, 4999), (513, 2100), (513, 4999), (2100, 4999)]
    assert set(pairs.nearest[[0, 513, 2100, 4999]]) <= {0, 513, 2100, 4999}


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 30), st.integers(0, 2**32))
def test_the_order_of_the_pictures_changes_no_pair(m: int, seed: int) -> None:
    hashes = with_copies(m, seed)
    order = np.random.default_rng(seed).permutation(m)
    pairs, shuffled = as_dict(find_pairs(hashes, 0.50)), as_dict(find_pairs(hashes[order], 0.50))
    renumbered: dict[tuple[int, int], tuple[int, int]] = {}
    for (new_a, new_b), (distance, orientation) in shuffled.items():
        a, b = int(order[new_a]), int(order[new_b])
        if a > b:
            renumbered[b, a] = (distance, Orientation(orientation).inverse)
        else:
            renumbered[a, b] = (distance, orientation)
    assert renumbered == pairs


def test_one_picture_has_no_pair_and_no_nearest() -> None:
    pairs = find_pairs(random_hashes(1, 0), 0.70)
    assert (len(pairs.first), pairs.nearest.tolist()) == (0, [-1])


def test_no_pictures_have_no_pairs() -> None:
    assert len(find_pairs(random_hashes(0, 0), 0.70).first) == 0


def test_where_pairs_do_not_fit_the_farthest_go_and_the_reach_says_so() -> None:
    hashes = with_copies(60, 7)
    all_pairs = find_pairs(hashes, 0.70)
    fewer = find_pairs(hashes, 0.70, max_pairs=12)
    assert len(all_pairs.first) > 12 >= len(fewer.first) > 0
    assert fewer.max_distance < all_pairs.max_distance
    assert as_dict(fewer) == {ends: pair for ends, pair in as_dict(all_pairs).items() if pair[0] <= fewer.max_distance}


def test_too_many_pictures_with_one_and_the_same_hash_are_refused() -> None:
    with pytest.raises(TooManyPairsError, match="more than 10 pairs"):
        find_pairs(np.repeat(random_hashes(1, 3), 6, axis=0), 0.70, max_pairs=10)


def test_progress_counts_every_comparison() -> None:
    reports: list[tuple[int, int]] = []
    find_pairs(random_hashes(600, 2), 0.95, on_block=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (600 * 599 // 2, 600 * 599 // 2)
    assert reports == sorted(reports)


def test_what_the_progress_callback_raises_ends_the_search() -> None:
    def stop(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        find_pairs(random_hashes(10, 2), 0.95, on_block=stop)


@pytest.mark.parametrize("orientation", Orientation)
def test_turning_a_picture_and_turning_it_back_gives_the_picture(orientation: Orientation) -> None:
    picture = np.arange(9).reshape(3, 3)
    assert (turn(turn(picture, orientation), orientation.inverse) == picture).all()


def test_quarter_turns_are_those_of_numpy() -> None:
    picture = np.arange(9).reshape(3, 3)
    for turns in range(4):
        assert (turn(picture, Orientation(turns)) == np.rot90(picture, turns)).all()


def test_an_upright_picture_is_the_same_and_a_left_right_swap_is_mirrored() -> None:
    assert [relation(orientation) for orientation in Orientation] == [
        *["same", "rotated", "rotated", "rotated"],
        *["mirrored", "mirrored", "mirrored_rotated", "mirrored_rotated"],
    ]


def turn(picture: NDArray[np.int64], orientation: Orientation) -> NDArray[np.int64]:
    transpose, flip_rows, flip_columns = orientation.steps
    picture = picture.T if transpose else picture
    picture = picture[::-1] if flip_rows else picture
    return picture[:, ::-1] if flip_columns else picture


@pytest.mark.parametrize("orientation", Orientation)
def test_the_relation_has_the_same_name_seen_from_either_picture(orientation: Orientation) -> None:
    assert relation(orientation) == relation(orientation.inverse)
