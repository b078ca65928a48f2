"""The check of the similarity scale on a dataset's own images."""

import numpy as np

from lookalike_engine.calibration import Calibration, check_calibration


def check(images: int, pairs: list[tuple[int, int, float]], clusters: dict[int, int] | None = None) -> Calibration:
    labels = np.arange(images)
    for image, cluster in (clusters or {}).items():
        labels[image] = cluster
    first, second, similarity = zip(*pairs, strict=True) if pairs else ((), (), ())
    return check_calibration(
        np.array(first, dtype=np.int32), np.array(second, dtype=np.int32), np.array(similarity), labels, floor=0.70
    )


def test_a_small_dataset_says_that_it_is_too_small() -> None:
    assert check(400, []).as_json() == {"checked": False, "reason": "too few images to check"}


def test_an_empty_dataset_says_that_it_is_too_small() -> None:
    assert check(0, []).as_json() == {"checked": False, "reason": "too few images to check"}


def test_false_matches_are_expected_in_proportion_to_the_pairs() -> None:
    outcome = check(500, [(0, 1, 0.72), (5, 9, 0.91), (2, 3, 0.69)])
    assert outcome.as_json() == {"checked": True, "similarity": 0.70, "expected": 12.4, "observed": 2}


def test_a_larger_dataset_is_checked_higher_up_the_scale() -> None:
    outcome = check(2000, [(0, 1, 0.72), (5, 9, 0.91)])
    assert (outcome.similarity, outcome.observed) == (0.80, 1)


def test_near_duplicates_are_no_false_matches() -> None:
    pairs = [(0, 1, 0.97), (0, 2, 0.80), (1, 2, 0.85)]
    outcome = check(500, pairs, clusters={1: 0})
    assert outcome.observed == 1
