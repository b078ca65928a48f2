"""Compares fingerprints with each other: exact copies, close pairs, merges, everyone's nearest other image.

Exact copies are collapsed to one image that stands for them, and so are twins: pictures of one size whose hashes agree
in all eight orientations, and whose embeddings all but do. Twins are as good as equally far from everything else, so
that a run of thousands of identical frames costs one picture's comparisons, not the square of their number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.calibration import check_calibration
from lookalike_engine.embedder import NORM
from lookalike_engine.exact import SAME_PIXELS_DISTANCE, groups_of, representatives
from lookalike_engine.fingerprints import NO_DIGEST, Fingerprint
from lookalike_engine.fusion import Scale
from lookalike_engine.hashing import DETAIL_FLOOR, FULL_DETAIL
from lookalike_engine.kindred import SAMPLED_BY, Stretch, stretch_for
from lookalike_engine.linkage import clusters_at, link
from lookalike_engine.orientation import Orientation
from lookalike_engine.pairs import MAX_PAIRS, Pairs
from lookalike_engine.search import APPROXIMATE_METHOD, Search, search
from lookalike_engine.signal_rows import SignalRows, write
from lookalike_engine.similarity import (
    EXACT,
    FALSE_MATCH_RATE,
    FLOORS,
    NEAR_DUPLICATE,
    SAME_HASH,
    SMALL_DATASET,
    floor_for,
)
from lookalike_engine.uniqueness import uniqueness
from lookalike_engine.witnesses import MOST, SURE, Kept, with_witnesses

TWIN_COSINE: Final = 0.995
"""Twins are at least as close as this to the one that stands for them, so that any two of them are at least as close as
0.98, where a scale is at its highest."""

_TWINS_AT_ONCE: Final = 4096

METHOD: Final = {
    "version": 9,
    "false_match_rate": sorted(FALSE_MATCH_RATE.items()),
    "detail": [DETAIL_FLOOR, FULL_DETAIL],
    "same_pixels_distance": SAME_PIXELS_DISTANCE,
    "twin_cosine": TWIN_COSINE,
    "kindred": SAMPLED_BY,
    "witnesses": [SURE, MOST],
    "max_pairs": MAX_PAIRS,
    "small_dataset": SMALL_DATASET,
    "approximate": APPROXIMATE_METHOD,
    "floors": FLOORS,
}
"""What the outcome depends on besides the fingerprints. The version is raised when the same numbers come to mean
something else: an index that was compared otherwise is compared again."""

TakePixelHashes = Callable[[list[int]], None]
"""Fills in the pixel hash of each of these images that has none; leaves those that cannot be decoded without."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome, for n images. All indices are image indices."""

    floor: float
    """Every pair at this similarity or above that the search found is among the pairs."""
    search: Search
    """Whether it found all."""
    stretch: Stretch
    """How much signals were stretched because the dataset's own pictures are much alike: see `kindred`."""
    calibration: dict[str, object]
    closest_similarity: float | None
    """Of the closest pair that is not pixel-equal; None where there are no two different images to compare."""
    representative: NDArray[np.int32]
    """The image that stands for all exact copies of an image; itself for most."""
    twin: NDArray[np.int32]
    """The image, a representative, that stands for all twins of an image and their exact copies; itself for most."""
    pair_first: NDArray[np.int32]
    """Pairs of images that stand for their twins, by falling similarity; `pair_first` < `pair_second`."""
    pair_second: NDArray[np.int32]
    pair_similarity: NDArray[np.float64]
    pair_orientation: NDArray[np.uint8]
    merge_first: NDArray[np.int32]
    """Merges in order, those of exact copies first, then those of twins."""
    merge_second: NDArray[np.int32]
    merge_similarity: NDArray[np.float64]
    nearest: NDArray[np.int32]
    """-1 where an image has too little detail to be compared, or there is no other."""
    nearest_similarity: NDArray[np.float64]
    uniqueness: NDArray[np.float64]
    """0-1; NaN for an image with too little detail to be compared and no exact copy: nobody knows how unlike it is."""


@dataclass(frozen=True, slots=True)
class _Closeness:
    """The pairs of those images that were compared, numbered as in `images`."""

    twin: NDArray[np.int32]
    images: NDArray[np.int32]
    """Each stands for its twins."""
    stretch: Stretch
    pairs: Pairs
    search: Search


def compare(  # noqa: PLR0913, PLR0917 - what is compared, how, and whom to tell
    pictures: Sequence[Fingerprint],
    rows: SignalRows,
    scale: Scale,
    take_pixel_hashes: TakePixelHashes,
    on_progress: Callable[[int, int], None],
    stop: Callable[[], None],
    *,
    work: Path | None = None,
    exact_up_to: int = SMALL_DATASET,
) -> Comparison:
    """Compare the fingerprints of n images, whose signals are `rows`, in their order; see `Comparison`.

    `on_progress` is told of progress; it and `stop`, which is called now and then in between, may raise to end the
    work. Above `exact_up_to` compared images the search is approximate, see `search`; the rows of those that stand for
    others are then copied into a folder in `work`, or in memory without one. Raises TooManyPairsError.
    """
    hashes = rows.hashes
    detail = np.array([each.detail for each in pictures], dtype=np.float32)
    hashed = detail >= DETAIL_FLOOR
    representative = _exact_copies(pictures, hashes, hashed, take_pixel_hashes)

    def close() -> _Closeness:
        # Anew each time: what stretches the scale must not depend on which pixels were known before this run.
        distinct = np.flatnonzero((representative == np.arange(len(pictures))) & hashed)
        stretch = stretch_for(
            rows, detail, distinct, [pictures[image].content_hash for image in distinct.tolist()], scale
        )
        twin = _twins(pictures, representative, rows, hashed)
        images = np.flatnonzero((twin == np.arange(len(pictures))) & hashed).astype(np.int32)
        pairs, how = search(
            _chosen_rows(rows, images, work if len(images) > exact_up_to else None),
            detail[images],
            scale.stretched(*stretch),
            floor_for(len(pictures)),
            exact_up_to=exact_up_to,
            on_progress=on_progress,
            stop=stop,
        )
        return _Closeness(twin, images, stretch, pairs, how)

    closeness = close()
    suspects = _same_size_pairs(pictures, representative, closeness)
    if suspects:
        take_pixel_hashes(suspects)
        refined = representatives(_keys(pictures), [each.content_hash for each in pictures])
        if not np.array_equal(refined, representative):
            representative = refined
            closeness = close()
    return _assemble(pictures, representative, hashed, closeness, stop)


def _chosen_rows(rows: SignalRows, images: NDArray[np.int32], work: Path | None) -> SignalRows:
    """Return the rows of these images: as they are where they are all, in memory, or mapped from a folder in `work`."""
    if len(images) == len(rows.hashes):
        return rows
    if work is None:
        return SignalRows(rows.hashes[images], rows.embeddings[images])
    folder = work / "compared"
    folder.mkdir(exist_ok=True)
    return write(folder, [rows] * len(images), images.tolist(), rows.embeddings.shape[1])


def _twins(
    pictures: Sequence[Fingerprint],
    representative: NDArray[np.int32],
    rows: SignalRows,
    hashed: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Return the image that stands for the twins of each: that of the smallest byte hash."""
    standing = np.flatnonzero((representative == np.arange(len(pictures))) & hashed)
    chosen = [pictures[image] for image in standing.tolist()]
    signals = zip(chosen, np.asarray(rows.hashes)[standing], strict=True)
    keys = [b"%d %d " % (each.width, each.height) + signal.tobytes() for each, signal in signals]
    found = standing[representatives(keys, [each.content_hash for each in chosen])]
    others = np.flatnonzero(found != standing)
    for start in range(0, len(others) if rows.embeddings.shape[1] else 0, _TWINS_AT_ONCE):
        some = others[start : start + _TWINS_AT_ONCE]
        one, other = (rows.embeddings[images[some]].astype(np.float32) for images in (standing, found))
        unlike = some[(one * other).sum(axis=1) < TWIN_COSINE * NORM**2]
        found[unlike] = standing[unlike]
    twin = representative.copy()
    twin[standing] = found
    return twin[representative]


def _keys(pictures: Sequence[Fingerprint]) -> list[bytes]:
    """Return what exact copies share: the pixel hash where it was needed, else the byte hash, never confused."""
    pixels_of: dict[bytes, bytes] = {}
    for each in pictures:
        if each.pixel_hash != NO_DIGEST:
            pixels_of[each.content_hash] = b"pixels" + each.pixel_hash
    return [pixels_of.get(each.content_hash, b"bytes" + each.content_hash) for each in pictures]


def _exact_copies(
    pictures: Sequence[Fingerprint],
    hashes: NDArray[np.uint8],
    hashed: NDArray[np.bool_],
    take_pixel_hashes: TakePixelHashes,
) -> NDArray[np.int32]:
    """Collapse byte copies, then pixel-equal pictures among those of equal size and equal hash (or both without)."""
    content = [each.content_hash for each in pictures]
    first_of_bytes = np.flatnonzero(representatives(content, content) == np.arange(len(pictures))).tolist()
    likeness = [
        (pictures[image].width, pictures[image].height, hashes[image, 0].tobytes() if hashed[image] else b"")
        for image in first_of_bytes
    ]
    suspects = [image for group in groups_of(likeness, first_of_bytes) for image in group]
    if suspects:
        take_pixel_hashes(suspects)
    return representatives(_keys(pictures), content)


def _same_size_pairs(
    pictures: Sequence[Fingerprint], representative: NDArray[np.int32], closeness: _Closeness
) -> list[int]:
    """Return the images of pairs so close, upright and of one size that their pixels may be equal after all."""
    images, pairs = closeness.images, closeness.pairs
    sizes = np.array([(pictures[image].width, pictures[image].height) for image in images], dtype=np.int32).reshape(
        -1, 2
    )
    close = (pairs.distance <= SAME_PIXELS_DISTANCE) & (pairs.orientation == Orientation.UPRIGHT)
    first, second = pairs.first[close], pairs.second[close]
    same = (sizes[first] == sizes[second]).all(axis=1)
    alike = images[np.concatenate([first[same], second[same]])]
    suspects: list[int] = np.unique(representative[np.isin(closeness.twin, alike)]).tolist()
    return suspects


def _assemble(
    pictures: Sequence[Fingerprint],
    representative: NDArray[np.int32],
    hashed: NDArray[np.bool_],
    closeness: _Closeness,
    stop: Callable[[], None],
) -> Comparison:
    twin, images, pairs = closeness.twin, closeness.images, closeness.pairs
    similarity = pairs.similarity
    numbers = np.arange(len(pictures), dtype=np.int32)
    copies = np.flatnonzero(representative != numbers).astype(np.int32)
    twins = np.flatnonzero((representative == numbers) & (twin != numbers)).astype(np.int32)
    tie_keys = [pictures[image].content_hash for image in images]
    spoken_for = with_witnesses(Kept(pairs.first, pairs.second, similarity, pairs.orientation), len(images))
    merges = link(spoken_for, spoken_for.similarity, tie_keys, len(images), stop=stop)
    clusters = clusters_at(merges, NEAR_DUPLICATE, len(images))
    calibration = check_calibration(pairs.first, pairs.second, similarity, clusters, floor=pairs.floor)
    nearest, nearest_similarity = _nearest(twins, closeness)
    closest = float(nearest_similarity.max()) if (nearest >= 0).any() else None
    _make_nearest(nearest, nearest_similarity, representative[copies], copies, EXACT)
    comparable = hashed | (nearest_similarity == EXACT)
    unlike = np.full(len(pictures), np.nan)
    unlike[comparable] = uniqueness(nearest_similarity[comparable])
    order = np.lexsort((spoken_for.second, spoken_for.first, -spoken_for.similarity))
    return Comparison(
        floor=pairs.floor,
        search=closeness.search,
        stretch=closeness.stretch,
        calibration=calibration.as_json(),
        closest_similarity=closest,
        representative=representative,
        twin=twin,
        pair_first=images[spoken_for.first[order]],
        pair_second=images[spoken_for.second[order]],
        pair_similarity=spoken_for.similarity[order],
        pair_orientation=spoken_for.orientation[order],
        merge_first=np.concatenate([representative[copies], twin[twins], images[merges.first]]),
        merge_second=np.concatenate([copies, twins, images[merges.second]]),
        merge_similarity=np.concatenate(
            [np.full(len(copies), EXACT), np.full(len(twins), SAME_HASH), merges.similarity]
        ),
        nearest=nearest,
        nearest_similarity=nearest_similarity,
        uniqueness=unlike,
    )


def _nearest(twins: NDArray[np.int32], closeness: _Closeness) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return each representative's nearest other one (-1 for none) and how alike they are; twins have each other."""
    nearest = np.full(len(closeness.twin), -1, dtype=np.int32)
    similarity = np.zeros(len(closeness.twin))
    found = closeness.pairs.nearest >= 0
    nearest[closeness.images[found]] = closeness.images[closeness.pairs.nearest[found]]
    similarity[closeness.images[found]] = closeness.pairs.nearest_similarity[found]
    _make_nearest(nearest, similarity, closeness.twin[twins], twins, SAME_HASH)
    return nearest, similarity


def _make_nearest(
    nearest: NDArray[np.int32],
    similarity: NDArray[np.float64],
    standing: NDArray[np.int32],
    others: NDArray[np.int32],
    value: float,
) -> None:
    """Make each of `others` and the image that is `standing` for it nearest to each other; of several, the first."""
    nearest[standing[::-1]] = others[::-1]
    nearest[others] = standing
    similarity[standing] = similarity[others] = value
