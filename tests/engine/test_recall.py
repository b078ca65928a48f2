import numpy as np

from lookalike_engine.recall import LevelRecall, Recall, RecallSample


def recall_of(*levels: LevelRecall) -> dict[str, object]:
    return Recall("cosine", 1000, levels, nearest=1000, nearest_found=998, cells=400, probes=8).as_json()


def test_a_recall_is_written_as_a_sample_with_what_it_was_estimated_on() -> None:
    assert recall_of(LevelRecall(0.9, 5000, 4990)) == {
        "approximate": True,
        "measure": "cosine",
        "cells": 400,
        "probes": 8,
        "sample": {
            "images": 1000,
            "nearest": 1000,
            "nearest_found": 998,
            "levels": [{"cosine": 0.9, "pairs": 5000, "found": 4990, "recall": 0.998, "enough": True}],
        },
    }


def test_a_share_is_never_rounded_up_to_all_and_nothing_is_no_share() -> None:
    shares = [
        level["recall"]
        for level in recall_of(LevelRecall(0.9, 100_000, 99_999), LevelRecall(0.8, 0, 0))["sample"]["levels"]  # type: ignore[index]
    ]
    assert shares == [0.9999, None]


def test_a_pair_that_was_yielded_twice_counts_once_and_one_of_two_sampled_images_for_both() -> None:
    sample = RecallSample("distance", np.array([0, 1]), 5, [10.0, 20.0])
    sample.add_exact(np.array([5, 5, 15]))  # 0-1 from either side, 0-2
    for _ in range(2):
        sample.add_found(np.array([0, 3]), np.array([1, 4]), np.array([5, 5]))
    recall = sample.recall(20, nearest=0, nearest_found=0, cells=1, probes=1)
    assert recall.levels == (LevelRecall(10.0, 2, 2), LevelRecall(20.0, 3, 2))
