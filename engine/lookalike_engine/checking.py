"""Compares one picture with all images of a snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.exact import SAME_PIXELS_DISTANCE
from lookalike_engine.fingerprints import NO_DIGEST, Fingerprint
from lookalike_engine.fusion import Scale, cosine_steps
from lookalike_engine.hashing import DETAIL_FLOOR, effective_distance, reliance
from lookalike_engine.orientation import INVERSE, Orientation
from lookalike_engine.pairs import ORIENTED
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.similarity import EXACT, STEPS
from lookalike_engine.tables import read_table

if TYPE_CHECKING:
    from lookalike_engine.snapshot import ImageRow, Snapshot

PixelHash = Callable[[int | None], bytes | None]
"""Takes the pixel hash of an image of the snapshot, or of the picture itself (None); None where that cannot be had."""

_BLOCK: Final = 8192
"""Images whose hashes are compared at once: some 2 MiB of intermediate numbers."""
_IN_CACHE: Final = 128
"""Embeddings turned into 32-bit numbers at once: ten times as fast as some thousands, which leave the cache."""


class KnownImages:
    """What one picture is compared with: a snapshot's n images. Reads what it needs when it needs it."""

    def __init__(self, snapshot: "Snapshot") -> None:
        self.snapshot = snapshot

    @property
    def hashed(self) -> NDArray[np.bool_]:
        """Which images have detail enough to be compared (n,)."""
        return np.asarray(self.snapshot.detail >= DETAIL_FLOOR, dtype=np.bool_)

    @cached_property
    def content(self) -> NDArray[np.uint64]:
        """The digests of the files' bytes (n, 2)."""
        return digests(self.snapshot.content_hash.tobytes())

    @cached_property
    def pixels(self) -> NDArray[np.uint64]:
        """The digests of the pixels (n, 2), `NO_DIGEST` where none was needed."""
        values = read_table(self.snapshot.path / "images.parquet", ["pixel_hash"])["pixel_hash"]
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
            detail=float(self.snapshot.detail[image]),
            rows=self.snapshot.signal_rows,
            row=image,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """How alike one picture and each of n images are."""

    compared: bool
    """False for a picture with too little detail: only exact copies of it can be told."""
    similarity: NDArray[np.float64]
    """0-1 (n,); 1.0 for exact copies alone, -1.0 where it cannot be told, and for the picture itself."""
    exact: NDArray[np.bool_]
    """Which have the same upright pixels (n,)."""
    orientation: NDArray[np.uint8]
    """How each is turned relative to the picture (n,)."""

    def at_or_above(self, similarity: float) -> list[int]:
        """Return the images at a similarity of 0 to 1 or above, most alike first, then by number."""
        images = np.flatnonzero(self.similarity >= similarity)
        ranked: list[int] = images[np.argsort(-self.similarity[images], kind="stable")].tolist()
        return ranked

    @property
    def nearest(self) -> int | None:
        """The most alike image, however unlike; None where nothing can be told of any."""
        nearest = int(self.similarity.argmax()) if len(self.similarity) else -1
        return nearest if nearest >= 0 and self.similarity[nearest] >= 0 else None


def check(
    known: KnownImages, fingerprint: Fingerprint, scale: Scale, pixel_hash: PixelHash, itself: int | None = None
) -> Check:
    """Compare one picture with all images but `itself`, the image that it is if it is one of them.

    `scale` is that of the signals that both were taken with. `pixel_hash` decodes in full: it is asked only for a
    picture of no known bytes, and for images of its size that are all but equal to it.
    """
    alike = likeness(known.snapshot.signal_rows, known.snapshot.detail, fingerprint, scale)
    exact = _exact_copies(known, fingerprint, alike, pixel_hash)
    stands = np.asarray(
        known.snapshot.representative
    )  # exact copies share what is true of the one that stands for them
    similarity = np.where(exact, EXACT, alike.similarity[stands])
    orientation = np.where(exact, np.uint8(Orientation.UPRIGHT), alike.orientation[stands])
    if itself is not None:
        similarity[itself] = -1.0
    return Check(fingerprint.detail >= DETAIL_FLOOR, similarity, exact, orientation)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the signals say of one picture and each of n images."""

    similarity: NDArray[np.float64]
    """Below 1.0 (n,); -1.0 where one of the two has too little detail."""
    orientation: NDArray[np.uint8]
    """How each image is turned relative to the picture (n,)."""
    suspect: NDArray[np.bool_]
    """Which are close enough, and upright, for their pixels to be equal after all (n,)."""


def likeness(rows: SignalRows, detail: NDArray[np.float32], fingerprint: Fingerprint, scale: Scale) -> Likeness:
    """Compare by all signals together, as `pairs.find_pairs` does; `detail` (n,) is that of the pictures of `rows`."""
    hashed = np.asarray(detail >= DETAIL_FLOOR, dtype=np.bool_)
    if fingerprint.rows is None or fingerprint.detail < DETAIL_FLOOR:
        return Likeness(np.full(len(hashed), -1.0), np.zeros(len(hashed), dtype=np.uint8), ~hashed)
    own = fingerprint.rows.hashes[fingerprint.row]
    distance = np.empty(len(hashed), dtype=np.int16)
    orientation = np.empty(len(hashed), dtype=np.uint8)
    for start in range(0, len(hashed), _BLOCK):
        here = slice(start, start + _BLOCK)
        distance[here], orientation[here] = _hash_distance(rows.hashes[here], own)
    relied = reliance(np.asarray(detail)), reliance(np.array([fingerprint.detail], dtype=np.float32))
    counted = effective_distance(distance, *relied)
    embedding = fingerprint.rows.embeddings[fingerprint.row]
    cosine = None
    if scale.uses_cosine:
        cosine = cosine_steps(_products(rows.embeddings, embedding), *relied, scale.detail_penalty)
    similarity = scale.steps(counted, cosine) / STEPS
    orientation[distance > ORIENTED] = Orientation.UPRIGHT
    suspect = hashed & (distance <= SAME_PIXELS_DISTANCE) & (orientation == Orientation.UPRIGHT)
    return Likeness(np.where(hashed, similarity, -1.0), orientation, suspect)


def _products(embeddings: NDArray[np.int16], own: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the dot products (n,)."""
    vectors, vector = np.asarray(embeddings), own.astype(np.float32)
    products = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _IN_CACHE):
        here = slice(start, start + _IN_CACHE)
        products[here] = vectors[here].astype(np.float32) @ vector
    return products


def _hash_distance(hashes: NDArray[np.uint8], own: NDArray[np.uint8]) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return the bits that differ in the best orientation (k,), and how each image is turned relative to the picture.

    Whichever of two has the smaller upright hash is the one that is turned.
    """
    # As big-endian numbers hashes sort as their bytes do.
    images, turned = np.ascontiguousarray(hashes).view(">u8"), np.ascontiguousarray(own).view(">u8")
    upright = images[:, 0]
    place = (upright != turned[0]).argmax(axis=1)[:, None]
    image_turns = (np.take_along_axis(upright, place, axis=1) < turned[0][place])[:, 0]
    differing = np.empty(images.shape, dtype=np.uint64)
    differing[image_turns] = images[image_turns] ^ turned[0]
    differing[~image_turns] = turned ^ upright[~image_turns, None]
    bits = np.bitwise_count(differing).sum(axis=2, dtype=np.int16)
    best = bits.argmin(axis=1).astype(np.uint8)
    distance = np.take_along_axis(bits, best[:, None], axis=1)[:, 0]
    # The picture turned to meet the image is how the image is turned; the image turned back is the inverse.
    return distance, np.where(image_turns, INVERSE[best], best)


def _exact_copies(
    known: KnownImages, fingerprint: Fingerprint, alike: Likeness, pixel_hash: PixelHash
) -> NDArray[np.bool_]:
    """Tell which images are the same picture. All exact copies in the snapshot share one representative."""
    snapshot = known.snapshot
    representative = np.asarray(snapshot.representative)
    same_bytes = (known.content == digests(fingerprint.content_hash)).all(axis=1)
    if same_bytes.any():
        return np.isin(representative, representative[same_bytes])
    size = (np.asarray(snapshot.width) == fingerprint.width) & (np.asarray(snapshot.height) == fingerprint.height)
    suspects = np.unique(representative[alike.suspect & size])
    if not suspects.size:
        return np.zeros(len(representative), dtype=np.bool_)
    own = pixel_hash(None)
    same = [image for image in suspects.tolist() if own is not None and _pixels(known, image, pixel_hash) == own]
    return np.isin(representative, same)


def _pixels(known: KnownImages, image: int, pixel_hash: PixelHash) -> bytes | None:
    taken = known.pixels[image].tobytes()
    return pixel_hash(image) if taken == NO_DIGEST else taken


def digests(joined: bytes) -> NDArray[np.uint64]:
    """Return n digests that stand one after another as an array (n, 2)."""
    return np.frombuffer(joined, dtype=np.uint64).reshape(-1, 2)
