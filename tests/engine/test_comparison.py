"""Collapsing exact copies and twins changes nothing that is promised, against all pairs compared one by one."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike_engine.comparison import Comparison, compare
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.fusion import HashScale
from lookalike_engine.hashing import FULL_DETAIL
from lookalike_engine.kindred import Stretch
from lookalike_engine.linkage import Merges, clusters_at
from lookalike_engine.pairs import find_pairs
from lookalike_engine.scan import FoundFile
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.witnesses import SURE

LEVELS = [0.70, 0.90, 0.95, 0.99, 0.999, 1.0]
SIZES = [(640, 480), (480, 640)]


@dataclass(frozen=True)
class Scenes:
    """Fingerprints made of a few scenes: each image's scene, its size, how it was edited and which pixels it shows."""

    images: list[tuple[int, int, int, int]]

    def compare(self, order: list[int]) -> Comparison:
        fingerprints = [self._fingerprint(image) for image in order]

        def take(chosen: list[int]) -> None:
            for place in chosen:
                pixels = self.images[order[place]]
                fingerprints[place].pixel_hash = repr(pixels).encode().ljust(16, b".")[:16]

        return compare(fingerprints, self._rows(order), HashScale(), take, lambda _done, _total: None, lambda: None)

    def _rows(self, order: list[int]) -> SignalRows:
        hashes = np.zeros((len(order), 8, 32), dtype=np.uint8)
        for place, image in enumerate(order):
            scene, _, edit, _ = self.images[image]
            hashes[place] = np.random.default_rng(scene).integers(0, 256, (8, 32)).astype(np.uint8)
            hashes[place, :, :edit] ^= 1
        return SignalRows(hashes, np.zeros((len(order), 0), dtype=np.int16))

    def _fingerprint(self, image: int) -> Fingerprint:
        width, height = SIZES[self.images[image][1]]
        return Fingerprint(
            FoundFile(f"{image}.png", "", 1, 1, (1, image + 1)),
            width=width,
            height=height,
            content_hash=np.random.default_rng(1000 + image).bytes(16),
            detail=FULL_DETAIL,
        )

    def similarities(self) -> NDArray[np.float64]:
        """Of every pair, compared one by one (n, n)."""
        n = len(self.images)
        pairs = find_pairs(self._rows(list(range(n))), np.full(n, FULL_DETAIL, np.float32), HashScale(), 0.0)
        table = np.ones((n, n))
        table[pairs.first, pairs.second] = table[pairs.second, pairs.first] = pairs.similarity
        for one, other in combinations(range(n), 2):
            if self.images[one] == self.images[other]:
                table[one, other] = table[other, one] = 1.0
        return table

    def spoken_for(self) -> NDArray[np.float64]:
        """Of every pair, also by what any third image says of it (n, n)."""
        direct = self.similarities()
        table = direct.copy()
        for one, other in combinations(range(len(direct)), 2):
            for witness in set(range(len(direct))) - {one, other}:
                for near, far in ((one, other), (other, one)):
                    if direct[witness, near] >= SURE:
                        said = min(direct[witness, near], direct[witness, far])
                        table[one, other] = table[other, one] = max(table[one, other], said)
        return table


def clusters(comparison: Comparison, threshold: float, order: list[int]) -> set[frozenset[int]]:
    merges = Merges(comparison.merge_first, comparison.merge_second, comparison.merge_similarity)
    labels = clusters_at(merges, threshold, len(order))
    return {frozenset(order[place] for place in np.flatnonzero(labels == label)) for label in set(labels.tolist())}


scenes = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from([0, 0, 0, 1, 13, 31]), st.integers(0, 2)),
    min_size=1,
    max_size=12,
).map(Scenes)


@settings(deadline=None, max_examples=150)
@given(scenes, st.integers(0, 2**32))
def test_clusters_keep_their_promise_and_are_as_large_as_it_allows(given_scenes: Scenes, seed: int) -> None:
    n = len(given_scenes.images)
    similar, comparison = given_scenes.spoken_for(), given_scenes.compare(list(range(n)))
    shuffled = np.random.default_rng(seed).permutation(n).tolist()
    for threshold in LEVELS:
        found = clusters(comparison, threshold, list(range(n)))
        assert all(similar[one, other] >= threshold for group in found for one, other in combinations(group, 2))
        for group, other in combinations(found, 2):
            assert similar[np.ix_(list(group), list(other))].min() < threshold
        assert clusters(given_scenes.compare(shuffled), threshold, shuffled) == found


@settings(deadline=None, max_examples=150)
@given(scenes)
def test_the_nearest_and_the_closest_are_those_among_all_pairs(given_scenes: Scenes) -> None:
    n = len(given_scenes.images)
    similar, comparison = given_scenes.similarities(), given_scenes.compare(list(range(n)))
    pairs = [similar[one, other] for one, other in combinations(range(n), 2) if similar[one, other] < 1]
    assert comparison.closest_similarity == (max(pairs) if pairs else None)
    for image in range(n):
        others = [other for other in range(n) if other != image]
        nearest = int(comparison.nearest[image])
        assert (nearest in others) == bool(others)
        if others:
            assert comparison.nearest_similarity[image] == similar[image, others].max() == similar[image, nearest]


def test_how_much_a_dataset_is_alike_depends_neither_on_names_nor_on_what_was_known_before() -> None:
    """Thirty pictures of one template, as JPEG and as PNG of the same pixels, which differ in some bits of the hash."""
    template = np.random.default_rng(5).random(256) < 0.5
    pictures: list[Fingerprint] = []
    hashes: list[NDArray[np.uint8]] = []
    for number in range(60):
        draw = np.random.default_rng(number // 2)
        bits = template ^ (draw.random((8, 256)) < draw.uniform(0, 0.3))
        bits[:, : 8 * (number % 2)] ^= True
        hashes.append(np.packbits(bits, axis=1))
        content = np.random.default_rng(1000 + number).bytes(16)
        pictures.append(
            Fingerprint(FoundFile(f"{number}", "", 1, 1, (1, 1)), None, 640, 480, content, detail=FULL_DETAIL)
        )

    def stretch(order: list[int]) -> Stretch:
        chosen = [pictures[image] for image in order]

        def take(suspects: list[int]) -> None:
            for place in suspects:
                chosen[place].pixel_hash = f"{order[place] // 2:016}".encode()

        rows = SignalRows(np.stack([hashes[image] for image in order]), np.zeros((len(order), 0), dtype=np.int16))
        return compare(chosen, rows, HashScale(), take, lambda _done, _total: None, lambda: None).stretch

    first, known = stretch(list(range(60))), stretch(list(range(60)))
    assert first.distance > 1
    assert known == first
    for seed in range(20):
        assert stretch(np.random.default_rng(seed).permutation(60).tolist()) == first
