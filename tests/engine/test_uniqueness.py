"""Uniqueness as a rank among the other images."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookalike_engine.uniqueness import uniqueness

similarities = st.lists(st.sampled_from([0.0, 0.3, 0.62, 0.95, 0.99, 1.0]), min_size=2, max_size=12)


@given(similarities)
def test_uniqueness_is_the_share_of_other_images_with_a_nearer_nearest(nearest: list[float]) -> None:
    expected = [sum(other > own for other in nearest) / (len(nearest) - 1) for own in nearest]
    assert uniqueness(np.array(nearest)).tolist() == expected


def test_the_image_unlike_all_others_has_one_and_the_most_copied_zero() -> None:
    assert uniqueness(np.array([0.2, 0.9, 0.97])).tolist() == [1.0, 0.5, 0.0]


def test_images_that_are_equally_near_to_their_nearest_are_equally_unique() -> None:
    assert uniqueness(np.array([0.9, 0.9, 0.9])).tolist() == [0.0, 0.0, 0.0]


def test_an_only_image_is_unique() -> None:
    assert uniqueness(np.array([0.0])).tolist() == [1.0]


def test_no_images_have_no_uniqueness() -> None:
    assert uniqueness(np.zeros(0)).tolist() == []
