"""What a third picture says of a pair, against asking every picture about every pair."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike_engine.orientation import INVERSE, Orientation
from lookalike_engine.witnesses import MOST, SURE, Kept, with_witnesses

N = 9
Table = dict[tuple[int, int], float]

graphs = st.dictionaries(
    st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([0.70, 0.80, 0.95, 0.959, 0.96, 0.97, 0.999]),
    max_size=20,
)


def kept(table: Table, orientation: NDArray[np.uint8] | None = None) -> Kept:
    first, second = zip(*table, strict=True) if table else ((), ())
    return Kept(
        np.array(first, dtype=np.int32),
        np.array(second, dtype=np.int32),
        np.array(list(table.values()), dtype=np.float64),
        np.zeros(len(table), dtype=np.uint8) if orientation is None else orientation,
    )


def as_table(pairs: Kept) -> Table:
    ends = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return dict(zip(ends, pairs.similarity.tolist(), strict=True))


def naive(table: Table) -> Table:
    """Ask every image about every pair."""

    def of(one: int, other: int) -> float:
        return table.get((min(one, other), max(one, other)), 0.0)

    found: Table = {}
    for one, other in combinations(range(N), 2):
        accounts = [of(one, other)]
        for witness in set(range(N)) - {one, other}:
            accounts += [
                min(of(witness, near), of(witness, far))
                for near, far in ((one, other), (other, one))
                if of(witness, near) >= SURE
            ]
        if max(accounts):
            found[one, other] = max(accounts)
    return found


@settings(deadline=None, max_examples=300)
@given(graphs)
def test_a_pair_is_as_alike_as_the_closest_account_of_it(table: Table) -> None:
    assert as_table(with_witnesses(kept(table), N)) == naive(table)


def test_no_pair_is_spoken_for_by_a_witness_of_a_witness() -> None:
    chain = {(0, 1): 0.97, (1, 2): 0.97, (2, 3): 0.97, (3, 4): 0.97}
    assert set(as_table(with_witnesses(kept(chain), 5))) == {*chain, (0, 2), (1, 3), (2, 4)}


def test_a_picture_in_a_crowd_speaks_for_none() -> None:
    star = {(0, other): 0.97 for other in range(1, MOST + 2)}
    assert as_table(with_witnesses(kept(star), MOST + 2)) == star
    smaller = {(0, other): 0.97 for other in range(1, MOST + 1)}
    assert len(as_table(with_witnesses(kept(smaller), MOST + 1))) == MOST * (MOST + 1) // 2


def test_how_a_new_pair_is_turned_follows_from_its_witness() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        turned = rng.integers(0, 8, 2).astype(np.uint8)  # images 1 and 2, relative to image 0
        found = with_witnesses(kept({(0, 1): 0.97, (0, 2): 0.8}, turned), 3)
        relation = Orientation(int(found.orientation[as_rows(found).index((1, 2))]))
        picture = np.arange(6).reshape(2, 3)
        one, two = turn(picture, Orientation(int(turned[0]))), turn(picture, Orientation(int(turned[1])))
        assert turn(one, relation).tolist() == two.tolist()
        assert turn(turn(picture, relation), Orientation(int(INVERSE[relation]))).tolist() == picture.tolist()


def as_rows(pairs: Kept) -> list[tuple[int, int]]:
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def turn(picture: NDArray[np.int64], orientation: Orientation) -> NDArray[np.int64]:
    transpose, flip_rows, flip_columns = orientation.steps
    picture = picture.T if transpose else picture
    picture = picture[::-1] if flip_rows else picture
    return picture[:, ::-1] if flip_columns else picture
