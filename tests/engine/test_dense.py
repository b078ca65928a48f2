import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike_engine.dense import RADII, Groups, collapse


def scattered(seed: int, count: int, flips: int) -> NDArray[np.uint8]:
    """Hashes around three others, up to so many bits away, in each orientation differently."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (3, 8, 256)).astype(bool)[rng.integers(3, size=count)]
    for picture in bits.reshape(-1, 256):
        picture[rng.choice(256, rng.integers(flips + 1), replace=False)] ^= True
    return np.packbits(bits, axis=2)


def apart(hashes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The bits that differ in the orientation in which most do, of all pairs."""
    differ = hashes[:, None] ^ hashes[None]
    bits: NDArray[np.int64] = np.bitwise_count(differ).sum(axis=3, dtype=np.int64).max(axis=2)
    return bits


def groups_after(groups: Groups, merges: int, count: int) -> list[list[int]]:
    of = list(range(count))
    for first, second in zip(groups.first[:merges].tolist(), groups.second[:merges].tolist(), strict=True):
        of = [of[first] if each == of[second] else each for each in of]
    return [[number for number in range(count) if of[number] == each] for each in sorted(set(of))]


@given(seed=st.integers(0, 10_000), count=st.integers(0, 40), flips=st.integers(0, 40))
def test_no_two_pictures_of_a_group_are_farther_apart_than_is_promised_at_any_point(
    seed: int, count: int, flips: int
) -> None:
    hashes = scattered(seed, count, flips)
    groups = collapse(hashes, range(count))
    distances = apart(hashes)
    assert (np.diff(groups.apart) >= 0).all()
    for merges in range(len(groups.apart) + 1):
        bound = int(groups.apart[merges - 1]) if merges else 0
        for group in groups_after(groups, merges, count):
            assert distances[np.ix_(group, group)].max() <= (bound if len(group) > 1 else 0)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40), flips=st.integers(0, 40))
def test_every_member_is_within_the_radius_of_its_leader_and_the_radius_within_the_widest(
    seed: int, count: int, flips: int
) -> None:
    hashes = scattered(seed, count, flips)
    groups = collapse(hashes, range(count))
    assert (apart(hashes)[np.arange(count), groups.leader] <= groups.radius[groups.leader]).all()
    assert groups.radius.max() <= RADII[-1]
    joined = groups_after(groups, len(groups.first), count)
    assert all(len(set(groups.leader[group].tolist())) == 1 for group in joined)
    assert len(joined) == len(np.unique(groups.leader))


def test_frames_that_hardly_differ_become_one_group() -> None:
    rng = np.random.default_rng(3)
    frames = np.broadcast_to(rng.integers(0, 2, 256).astype(bool), (3000, 8, 256)).copy()
    frames ^= rng.random(frames.shape) < 0.02
    groups = collapse(np.packbits(frames, axis=2), range(3000))
    assert (groups.leader == 0).all()
    assert len(groups.first) == 2999
    assert groups.apart[-1] <= 2 * RADII[-1]


def test_the_first_in_order_lead() -> None:
    hashes = np.zeros((5, 8, 32), dtype=np.uint8)
    assert collapse(hashes, [3, 1, 4, 0, 2]).leader.tolist() == [3] * 5


def test_collapsing_ends_when_it_is_told_to_stop() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        collapse(np.zeros((5, 8, 32), dtype=np.uint8), range(5), stop=stop)
