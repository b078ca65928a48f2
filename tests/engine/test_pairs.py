"""Close pairs of hashes in eight orientations."""

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike_engine.collected import TooManyPairsError
from lookalike_engine.embedder import whole_numbers
from lookalike_engine.fusion import Fusion, HashScale, cosine_steps
from lookalike_engine.hashing import FULL_DETAIL, effective_distance, reliance
from lookalike_engine.orientation import Orientation, relation
from lookalike_engine.pairs import MAX_PAIRS, ORIENTED, Pairs, find_pairs
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import STEPS

Hashes = NDArray[np.uint8]

FUSION = Fusion(
    cosine=((0.3, 0.3), (0.6, 2.0), (0.9, 7.0), (1.0, 9.0)),
    distance=((128.0, 0.3), (104.0, 2.0), (62.0, 7.0), (0.0, 12.0)),
    share_of_less=0.2,
    anchors=((0.0, 0.0), (2.0, 0.5), (7.0, 0.95), (12.0, 0.999)),
    detail_penalty=0.1,
)


def hash_pairs(
    hashes: Hashes,
    floor: float,
    *,
    max_pairs: int = MAX_PAIRS,
    on_block: Callable[[int, int], None] | None = None,
) -> Pairs:
    signals = SignalRows(hashes, np.zeros((len(hashes), 0), dtype=np.int16))
    return find_pairs(signals, full_detail(hashes), HashScale(), floor, max_pairs=max_pairs, on_block=on_block)


def full_detail(hashes: Hashes) -> NDArray[np.float32]:
    return np.full(len(hashes), FULL_DETAIL, dtype=np.float32)


def hash_similarity(distance: int) -> float:
    return int(HashScale().steps(np.array(distance), None)) / STEPS


def with_embeddings(hashes: Hashes, seed: int) -> SignalRows:
    """Random directions, of which many lie close to another's."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(hashes), 24)).astype(np.float32)
    for copy in range(1, len(vectors), 3):
        vectors[copy] = vectors[rng.integers(copy)] + rng.normal(scale=rng.uniform(0, 1), size=24)
    embeddings = [whole_numbers(vector) for vector in vectors]
    return SignalRows(hashes, np.array(embeddings, dtype=np.int16).reshape(len(hashes), 24))


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
    expected = {
        (a, b): (distance, orientation if distance <= ORIENTED else Orientation.UPRIGHT)
        for a, b in combinations(range(m), 2)
        for distance, orientation in [naive_pair(hashes, a, b)]
    }
    close = {ends: pair for ends, pair in expected.items() if hash_similarity(pair[0]) >= floor}
    assert as_dict(hash_pairs(hashes, floor)) == close


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 40), st.integers(0, 2**32))
def test_the_nearest_other_picture_is_found_however_far(m: int, seed: int) -> None:
    hashes = with_copies(m, seed)
    pairs = hash_pairs(hashes, 0.95)
    for a in range(m):
        distances = {b: naive_pair(hashes, a, b)[0] for b in range(m) if b != a}
        assert pairs.nearest_similarity[a] == hash_similarity(min(distances.values()))
        assert hash_similarity(distances[int(pairs.nearest[a])]) == hash_similarity(min(distances.values()))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40), st.integers(0, 2**32), st.sampled_from([0.50, 0.70, 0.95]))
def test_hash_and_embedding_together_decide_which_pairs_are_close_and_who_is_nearest(
    m: int, seed: int, floor: float
) -> None:
    signals = with_embeddings(with_copies(m, seed), seed)
    expected, whole = np.full((m, m), -1.0), np.ones(1, dtype=np.float32)
    for a, b in combinations(range(m), 2):
        product = np.float32(signals.embeddings[a].astype(np.int64) @ signals.embeddings[b].astype(np.int64))
        distance, _ = naive_pair(signals.hashes, a, b)
        similarity = int(FUSION.steps(np.array([distance]), cosine_steps(np.array([product]), whole, whole, 0.1))[0]) / STEPS
        expected[a, b] = expected[b, a] = similarity
    pairs = find_pairs(signals, full_detail(signals.hashes), FUSION, floor)
    found = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.similarity, strict=True))
    assert found == {(a, b): expected[a, b] for a, b in combinations(range(m), 2) if expected[a, b] >= floor}
    for a in range(m if m > 1 else 0):
        assert pairs.nearest_similarity[a] == expected[a].max() == expected[a, pairs.nearest[a]]


def test_hashes_of_pictures_with_little_detail_count_as_farther_apart() -> None:
    hashes = with_copies(30, 3)
    detail = np.random.default_rng(3).uniform(4, 40, 30).astype(np.float32)
    signals = SignalRows(hashes, np.zeros((30, 0), dtype=np.int16))
    pairs = find_pairs(signals, detail, HashScale(), 0.0)
    similarity = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.similarity, strict=True))
    relied = reliance(detail)
    for a, b in combinations(range(30), 2):
        distance, _ = naive_pair(hashes, a, b)
        counted = int(effective_distance(np.array([distance]), relied[a : a + 1], relied[b : b + 1])[0])
        assert counted == min(256, math.ceil(np.float32(distance) / min(relied[a], relied[b])))
        assert similarity[a, b] == hash_similarity(counted)


def test_pairs_across_blocks_are_found_like_those_within() -> None:
    hashes = random_hashes(5000, 1)
    hashes[[4999, 2100, 513]] = hashes[0]
    pairs = hash_pairs(hashes, 0.95)
    assert sorted(as_dict(pairs)) == [(0, 513), (0, 2100), (0, 4999), (513, 2100), (513, 4999), (2100, 4999)]
    assert set(pairs.nearest[[0, 513, 2100, 4999]]) <= {0, 513, 2100, 4999}


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 30), st.integers(0, 2**32))
def test_the_order_of_the_pictures_changes_no_pair(m: int, seed: int) -> None:
    hashes = with_copies(m, seed)
    order = np.random.default_rng(seed).permutation(m)
    pairs, shuffled = as_dict(hash_pairs(hashes, 0.50)), as_dict(hash_pairs(hashes[order], 0.50))
    renumbered: dict[tuple[int, int], tuple[int, int]] = {}
    for (new_a, new_b), (distance, orientation) in shuffled.items():
        a, b = int(order[new_a]), int(order[new_b])
        if a > b:
            renumbered[b, a] = (distance, Orientation(orientation).inverse)
        else:
            renumbered[a, b] = (distance, orientation)
    assert renumbered == pairs


def test_one_picture_has_no_pair_and_no_nearest() -> None:
    pairs = hash_pairs(random_hashes(1, 0), 0.70)
    assert (len(pairs.first), pairs.nearest.tolist()) == (0, [-1])


def test_no_pictures_have_no_pairs() -> None:
    assert len(hash_pairs(random_hashes(0, 0), 0.70).first) == 0


def test_where_pairs_do_not_fit_the_farthest_go_and_the_reach_says_so() -> None:
    hashes = with_copies(60, 7)
    all_pairs = hash_pairs(hashes, 0.70)
    fewer = hash_pairs(hashes, 0.70, max_pairs=12)
    assert len(all_pairs.first) > 12 >= len(fewer.first) > 0
    assert fewer.floor > all_pairs.floor
    reached = {ends: pair for ends, pair in as_dict(all_pairs).items() if hash_similarity(pair[0]) >= fewer.floor}
    assert as_dict(fewer) == reached


def test_too_many_pictures_with_one_and_the_same_hash_are_refused() -> None:
    with pytest.raises(TooManyPairsError, match="more than 10 pairs"):
        hash_pairs(np.repeat(random_hashes(1, 3), 6, axis=0), 0.70, max_pairs=10)


def test_progress_counts_every_comparison() -> None:
    reports: list[tuple[int, int]] = []
    hash_pairs(random_hashes(600, 2), 0.95, on_block=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (600 * 599 // 2, 600 * 599 // 2)
    assert reports == sorted(reports)


def test_what_the_progress_callback_raises_ends_the_search() -> None:
    def stop(_done: int, _total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        hash_pairs(random_hashes(10, 2), 0.95, on_block=stop)


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
