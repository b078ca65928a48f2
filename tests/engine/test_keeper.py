"""Which image of a cluster is suggested to be kept, and why."""

from dataclasses import dataclass

import numpy as np
import pytest

from lookalike_engine.keeper import Traits, best_first, reason


@dataclass(frozen=True)
class Copy:
    path: str
    pixels: int = 100
    file_size: int = 1000
    modified_ns: int = 0


def ranked(copies: list[Copy], *, exact: bool) -> tuple[list[str], str]:
    """Return the paths, best keeper first, and what decided over the runner-up."""
    copies = sorted(copies, key=lambda copy: copy.path)
    traits = Traits(
        path_length=np.array([len(copy.path) for copy in copies]),
        pixels=np.array([copy.pixels for copy in copies]),
        file_size=np.array([copy.file_size for copy in copies]),
        modified_ns=np.array([copy.modified_ns for copy in copies]),
    )
    everyone = np.arange(len(copies))
    order = best_first(traits, everyone, np.zeros_like(everyone), np.full(len(copies), exact))
    return [copies[place].path for place in order], reason(traits, int(order[0]), int(order[1]), exact=exact)


@pytest.mark.parametrize(
    ("better", "worse", "why"),
    [
        (Copy("z.jpg", pixels=200), Copy("a.jpg", file_size=9000), "most_pixels"),
        (Copy("z.jpg", file_size=2000), Copy("a.jpg", modified_ns=-5), "largest_file"),
        (Copy("z.jpg", modified_ns=1), Copy("a.jpg", modified_ns=2), "oldest"),
        (Copy("long/name/a.jpg"), Copy("z.jpg"), "first_path"),
    ],
)
def test_near_copies_are_kept_by_pixels_then_size_then_age_then_path(better: Copy, worse: Copy, why: str) -> None:
    assert ranked([worse, better], exact=False) == ([better.path, worse.path], why)


@pytest.mark.parametrize(
    ("better", "worse", "why"),
    [
        (Copy("z.jpg"), Copy("a/b.jpg", file_size=9000, modified_ns=-5), "shortest_path"),
        (Copy("a.jpg"), Copy("b.jpg", file_size=9000, modified_ns=-5), "first_path"),
    ],
)
def test_exact_copies_are_kept_by_the_shortest_then_the_first_path(better: Copy, worse: Copy, why: str) -> None:
    assert ranked([worse, better], exact=True) == ([better.path, worse.path], why)


def test_every_member_is_ranked_not_only_the_keeper() -> None:
    copies = [Copy("d.jpg", pixels=1), Copy("a.jpg", pixels=2), Copy("b.jpg", pixels=3), Copy("c.jpg", pixels=3)]
    assert ranked(copies, exact=False) == (["b.jpg", "c.jpg", "a.jpg", "d.jpg"], "first_path")


def test_clusters_are_ranked_apart() -> None:
    traits = Traits(*(np.array(values) for values in ([5, 5, 5, 5], [1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 0])))
    order = best_first(traits, np.arange(4), np.array([0, 1, 0, 1]), np.array([False] * 4))
    assert order.tolist() == [2, 0, 3, 1]
