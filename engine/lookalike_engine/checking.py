"""Compares one picture with all images of a snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.exact import SAME_PIXELS_DISTANCE
from lookalike_engine.fingerprints import NO_DIGEST, Fingerprint
from lookalike_engine.hashing import DETAIL_FLOOR
from lookalike_engine.orientation import Orientation
from lookalike_engine.similarity import EXACT, similarity_of
from lookalike_engine.tables import read_table

if TYPE_CHECKING:
    from lookalike_engine.snapshot import ImageRow, Snapshot

PixelHash = Callable[[int | None], bytes | None]
"""Takes the pixel hash of an image of the snapshot, or of the picture itself (None); None where that cannot be had."""

_BLOCK: Final = 8192
"""Images compared at once: some 2 MiB of intermediate numbers."""
_INVERSE: Final = np.array([orientation.inverse for orientation in Orientation], dtype=np.uint8)


class Signals:
    """What one picture is compared with: the signals of a snapshot's n images. Reads what it needs when it needs it."""

    def __init__(self, snapshot: "Snapshot") -> None:
        self.snapshot = snapshot

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """Memory-mapped: the hashes in eight orientations (n, 8, 4); the first bytes are the most significant."""
        packed = np.load(self.snapshot.path / "hashes.npy", mmap_mode="r", allow_pickle=False)
        return packed.view(">u8") if len(packed) else np.zeros((0, len(Orientation), 4), dtype=">u8")

    @cached_property
    def hashed(self) -> NDArray[np.bool_]:
        """Which images have detail enough for their hash to mean anything (n,)."""
        detail = read_table(self.snapshot.path / "images.parquet", ["detail"])["detail"]
        return np.asarray(detail >= DETAIL_FLOOR, dtype=np.bool_)

    @cached_property
    def content(self) -> NDArray[np.uint64]:
        """The digests of the files' bytes (n, 2)."""
        return self._digests("content_hash")

    @cached_property
    def pixels(self) -> NDArray[np.uint64]:
        """The digests of the pixels (n, 2), `NO_DIGEST` where none was needed."""
        return self._digests("pixel_hash")

    def _digests(self, column: str) -> NDArray[np.uint64]:
        values = read_table(self.snapshot.path / "images.parquet", [column])[column]
        return digests(b"".join(bytes(value) for value in values))

    def fingerprint(self, row: "ImageRow") -> Fingerprint:
        """Return what is known of an image; its file is not opened."""
        image = row.index
        return Fingerprint(
            row.file,
            width=row.width,
            height=row.height,
            content_hash=self.content[image].tobytes(),
            pixel_hash=self.pixels[image].tobytes(),
            detail=DETAIL_FLOOR if self.hashed[image] else 0.0,
            hashes=np.ascontiguousarray(self.hashes[image]).view(np.uint8),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """How alike one picture and each of n images are."""

    compared: bool
    """False for a picture with too little detail: only exact copies of it can be told."""
    images: NDArray[np.int64]
    """Those at or above the similarity, most alike first, then by number."""
    nearest: int | None
    """The most alike image, however unlike; None where nothing can be told of any."""
    similarity: NDArray[np.float64]
    """0-1 (n,); 1.0 for exact copies alone, -1.0 where it cannot be told."""
    exact: NDArray[np.bool_]
    """Which have the same upright pixels (n,)."""
    orientation: NDArray[np.uint8]
    """How each is turned relative to the picture (n,)."""


def check(
    signals: Signals, fingerprint: Fingerprint, similarity: float, pixel_hash: PixelHash, itself: int | None = None
) -> Check:
    """Compare one picture with all images but `itself`, the image that it is if it is one of them.

    `pixel_hash` decodes in full: it is asked only for a picture of no known bytes, and for images of its size that are
    all but equal to it.
    """
    alike = likeness(signals, fingerprint)
    exact = _exact_copies(signals, fingerprint, alike, pixel_hash)
    values = np.where(exact, EXACT, alike.similarity)
    orientation = np.where(exact, np.uint8(Orientation.UPRIGHT), alike.orientation)
    if itself is not None:
        values[itself] = -1.0
    images = np.flatnonzero(values >= similarity)
    images = images[np.argsort(-values[images], kind="stable")]
    nearest = int(values.argmax()) if len(values) else -1
    return Check(
        compared=fingerprint.detail >= DETAIL_FLOOR,
        images=images,
        nearest=nearest if nearest >= 0 and values[nearest] >= 0 else None,
        similarity=values,
        exact=exact,
        orientation=orientation,
    )


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the signals say of one picture and each of n images."""

    similarity: NDArray[np.float64]
    """Below 1.0 (n,); -1.0 where one of the two has too little detail."""
    orientation: NDArray[np.uint8]
    """How each image is turned relative to the picture (n,)."""
    suspect: NDArray[np.bool_]
    """Which are close enough, and upright, for their pixels to be equal after all (n,)."""


def likeness(signals: Signals, fingerprint: Fingerprint) -> Likeness:
    """Compare by all signals: the one place where they are put together."""
    hashed = signals.hashed
    if fingerprint.hashes is None or fingerprint.detail < DETAIL_FLOOR:
        nothing = np.full(len(hashed), -1.0)
        return Likeness(nothing, np.zeros(len(hashed), dtype=np.uint8), ~hashed)
    distance, orientation = _hash_distance(signals.hashes, fingerprint.hashes)
    similarity = np.where(hashed, similarity_of(distance), -1.0)
    suspect = hashed & (distance <= SAME_PIXELS_DISTANCE) & (orientation == Orientation.UPRIGHT)
    return Likeness(similarity, orientation, suspect)


def _hash_distance(hashes: NDArray[np.uint64], own: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the bits that differ in the best orientation (n,), and how each image is turned relative to the picture.

    As `pairs.find_pairs` has it: whichever of two has the smaller upright hash is the one that is turned.
    """
    turned = np.ascontiguousarray(own).view(">u8")
    distance = np.empty(len(hashes), dtype=np.int64)
    orientation = np.empty(len(hashes), dtype=np.uint8)
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        upright = block[:, 0]
        place = (upright != turned[0]).argmax(axis=1)[:, None]
        image_turns = (np.take_along_axis(upright, place, axis=1) < turned[0][place])[:, 0]
        differing = np.empty(block.shape, dtype=np.uint64)
        differing[image_turns] = block[image_turns] ^ turned[0]
        differing[~image_turns] = turned ^ upright[~image_turns, None]
        bits = np.bitwise_count(differing).sum(axis=2, dtype=np.int64)
        best = bits.argmin(axis=1).astype(np.uint8)
        here = slice(start, start + len(block))
        distance[here] = np.take_along_axis(bits, best[:, None], axis=1)[:, 0]
        # The picture turned to meet the image is how the image is turned; the image turned back is the inverse.
        orientation[here] = np.where(image_turns, _INVERSE[best], best)
    return distance, orientation


def _exact_copies(
    signals: Signals, fingerprint: Fingerprint, alike: Likeness, pixel_hash: PixelHash
) -> NDArray[np.bool_]:
    """Tell which images are the same picture. All exact copies in the snapshot share one representative."""
    snapshot = signals.snapshot
    representative = np.asarray(snapshot.representative)
    same_bytes = (signals.content == digests(fingerprint.content_hash)).all(axis=1)
    if same_bytes.any():
        return np.isin(representative, representative[same_bytes])
    size = (np.asarray(snapshot.width) == fingerprint.width) & (np.asarray(snapshot.height) == fingerprint.height)
    suspects = np.unique(representative[alike.suspect & size])
    if not suspects.size:
        return np.zeros(len(representative), dtype=np.bool_)
    own = pixel_hash(None)
    same = [image for image in suspects.tolist() if own is not None and _pixels(signals, image, pixel_hash) == own]
    return np.isin(representative, same)


def _pixels(signals: Signals, image: int, pixel_hash: PixelHash) -> bytes | None:
    known = signals.pixels[image].tobytes()
    return pixel_hash(image) if known == NO_DIGEST else known


def digests(joined: bytes) -> NDArray[np.uint64]:
    """Return n digests that stand one after another as an array (n, 2)."""
    return np.frombuffer(joined, dtype=np.uint64).reshape(-1, 2)
