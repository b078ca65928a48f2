"""The calibrated similarity scale."""

import numpy as np
import pytest

from lookalike_engine.similarity import HASH_ANCHORS, distance_at, floor_for, hash_scale


def test_similarity_never_rises_with_the_distance() -> None:
    scale = hash_scale()
    assert (np.diff(scale) <= 0).all()
    assert ((scale >= 0) & (scale <= 1)).all()


@pytest.mark.parametrize(("bits", "similarity"), HASH_ANCHORS)
def test_the_scale_passes_exactly_through_its_anchors(bits: int, similarity: float) -> None:
    assert hash_scale()[bits] == similarity


@pytest.mark.parametrize(("bits", "similarity"), HASH_ANCHORS[:-1])
def test_the_distance_of_a_similarity_is_the_largest_that_reaches_it(bits: int, similarity: float) -> None:
    assert distance_at(similarity) == bits


def test_no_hash_reaches_the_similarity_of_exact_copies() -> None:
    assert distance_at(1.0) == -1
    assert hash_scale().max() < 1.0


def test_the_floor_rises_with_the_number_of_images() -> None:
    assert (floor_for(0), floor_for(60_000), floor_for(60_001)) == (0.70, 0.70, 0.80)
