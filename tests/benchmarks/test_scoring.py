"""The scorer against cases worked out by hand."""

import pytest

from benchmarks.engine.scoring import Score, score
from benchmarks.engine.truth import Row


def _photo(group: str, *tiers: str, scene: str = "", kind: str = "photo") -> list[Row]:
    """An original, "a0" in group "a", and copies "a1", "a2" … of these tiers."""
    rows = [Row(f"{group}0", group, f"{group}0", "original", "original", kind, scene or group)]
    for number, tier in enumerate(tiers, 1):
        rows.append(Row(f"{group}{number}", group, f"{group}0", tier, f"{tier} edit", kind, scene or group))
    return rows


TWO_PHOTOS = [*_photo("a", "easy", "medium", "hard"), *_photo("b", "easy")]
"""Six images; 6 pairs of copies in a, 1 in b."""


def _figures(found: Score) -> tuple[float, float, float, float]:
    return found.pairs.precision, found.pairs.recall, found.clusters_pure, found.groups_whole


def test_the_true_clusters_are_perfect() -> None:
    found = score(TWO_PHOTOS, [["a0", "a1", "a2", "a3"], ["b0", "b1"]])

    assert _figures(found) == (1, 1, 1, 1)
    assert (found.bcubed_precision, found.bcubed_recall, found.near.f1, found.strict.f1) == (1, 1, 1, 1)


def test_nothing_returned_is_right_in_all_it_says_and_finds_nothing() -> None:
    found = score(TWO_PHOTOS, [])

    assert _figures(found) == (1, 0, 1, 0)
    assert found.pairs.f1 == 0
    assert found.bcubed_recall == pytest.approx((4 * (1 / 4) + 2 * (1 / 2)) / 6)


def test_a_chained_cluster_is_counted_by_all_its_pairs() -> None:
    found = score(TWO_PHOTOS, [["a0", "a1", "b0", "b1"]])

    # 6 pairs returned: a0-a1 and b0-b1 are right, the four across are wrong.
    assert (found.pairs.returned, found.pairs.true, found.pairs.right) == (6, 7, 2)
    assert found.clusters_pure == 0
    assert found.groups_whole == 0.5
    assert found.bcubed_precision == pytest.approx((4 * (2 / 4) + 2 * 1) / 6)
    assert found.bcubed_recall == pytest.approx((2 * (2 / 4) + 2 * (1 / 4) + 2 * 1) / 6)


def test_near_leaves_out_every_image_that_is_a_hard_edit() -> None:
    found = score(TWO_PHOTOS, [["a0", "a1", "a2"], ["a3", "b0"]])

    # Without a3 there are 3 + 1 pairs, of which 3 are returned and right.
    assert (found.near.returned, found.near.true, found.near.right) == (3, 4, 3)
    assert (found.pairs.returned, found.pairs.true, found.pairs.right) == (4, 7, 3)


def test_recall_by_transform_asks_whether_a_copy_is_with_its_original() -> None:
    found = score(TWO_PHOTOS, [["a0", "a1"], ["a2", "a3"], ["b0", "b1"]])

    assert found.recall_of == {"easy edit": (1, 2), "medium edit": (0, 1), "hard edit": (0, 1)}


def test_two_shots_of_one_burst_do_not_count_unless_strict() -> None:
    rows = [*_photo("a", "easy"), *_photo("s", scene="shelf", kind="burst"), *_photo("t", scene="shelf", kind="burst")]

    found = score(rows, [["a0", "a1"], ["s0", "t0"]])

    assert _figures(found) == (1, 1, 1, 1)
    assert found.bcubed_precision == 1
    assert (found.strict.returned, found.strict.right) == (2, 1)


def test_two_shots_of_different_bursts_count_as_wrong() -> None:
    rows = [*_photo("s", scene="shelf", kind="burst"), *_photo("t", scene="table", kind="burst")]

    found = score(rows, [["s0", "t0"]])

    assert (found.pairs.returned, found.pairs.right, found.clusters_pure) == (1, 0, 0)


def test_two_windows_of_one_photograph_never_count_and_their_copies_do() -> None:
    rows = [*_photo("v", "easy", scene="wall", kind="window"), *_photo("w", scene="wall", kind="window")]

    found = score(rows, [["v0", "v1", "w0"]])

    # v0-v1 is right; v0-w0 and v1-w0 are left out, in the strict count too.
    assert (found.pairs.returned, found.pairs.true, found.pairs.right) == (1, 1, 1)
    assert found.strict == found.pairs
    assert (found.clusters_pure, found.bcubed_precision) == (1, 1)


def test_a_picture_on_a_backdrop_does_not_count_with_what_shows_that_backdrop() -> None:
    pasted = Row("p1", "p", "p0", "hard", "on_background", "photo", "p", backdrop="b")
    beside = Row("q1", "q", "q0", "hard", "on_background", "photo", "q", backdrop="b")
    rows = [*_photo("p"), pasted, *_photo("q"), beside, *_photo("b", "easy"), *_photo("c")]

    found = score(rows, [["p1", "q1", "b0", "b1", "c0"]])

    # Of 10 pairs b0-b1 is right and the 4 with c0 are wrong; p1, q1 do not count with each other nor with b0, b1.
    assert (found.pairs.returned, found.pairs.right) == (5, 1)
    assert found.clusters_pure == 0
    # Each of p1, q1: itself and c0. Each of b0, b1: the two and c0. c0: all five. The two originals alone.
    assert found.bcubed_precision == pytest.approx((2 * (1 / 2) + 2 * (2 / 3) + 1 / 5 + 2) / 7)


def test_an_answer_about_other_files_or_with_a_file_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="x9 is in a returned cluster and not in the set"):
        score(TWO_PHOTOS, [["a0", "x9"]])
    with pytest.raises(ValueError, match="a0 is in two of the returned clusters"):
        score(TWO_PHOTOS, [["a0", "a1"], ["a0", "b0"]])
