"""A published index: immutable files that are read and never written again.

A dataset's folder in the cache holds `CURRENT` (which revision, the digest of its manifest, and the same of the one
before) and `snapshots/`, one folder per revision: tables as Parquet, arrays as `.npy` memory maps, `manifest.json` with
the checksum of each.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cluster_ids import place_of, uuid_texts
from lookalike_engine.errors import SnapshotError
from lookalike_engine.kindred import Stretch
from lookalike_engine.scan import FoundFile
from lookalike_engine.signal_rows import SignalRows, map_array
from lookalike_engine.tables import connect
from lookalike_engine.text_array import unpacked

SCHEMA_VERSION: Final = 7
MANIFEST: Final = "manifest.json"
POINTER: Final = "CURRENT"

ROW_ARRAYS: Final = ("file_path_text", "file_path_end", "absolute_path_text", "absolute_path_end", "content_hash")
CLUSTER_ARRAYS: Final = (
    "keeper_rank",
    "media_id",
    "single_id",
    "member_order",
    "cluster_id",
    "cluster_similarity",
    "cluster_until",
    "cluster_start",
    "cluster_size",
    "cluster_exact",
    "cluster_keeper",
    "cluster_removable_bytes",
)

ARRAYS: Final = (
    "width",
    "height",
    "file_size",
    "modified_ns",
    "path_length",
    "detail",
    "folder",
    "representative",
    "twin",
    "uniqueness",
    "nearest",
    "nearest_similarity",
    "pair_first",
    "pair_second",
    "pair_similarity",
    "pair_orientation",
    "merge_first",
    "merge_second",
    "merge_similarity",
    *ROW_ARRAYS,
    *CLUSTER_ARRAYS,
    "pair_lookup",
)
"""The names of a snapshot's arrays; each is one `.npy` file and one attribute of `Snapshot`."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What is kept of one image as text."""

    index: int
    media_id: str
    file_path: str
    """Relative to the dataset's root, `/`-separated, bytes that are no UTF-8 as `\\xNN`."""
    absolute_path: str
    """Surrogate-escaped: the path to open."""
    width: int
    height: int
    file_size: int
    modified_ns: int
    content_hash: str
    """Hex."""

    @property
    def file(self) -> FoundFile:
        """The file as it was when it was indexed; its device and inode are not given."""
        return FoundFile(self.file_path, self.absolute_path, self.file_size, self.modified_ns, (0, 0))


class Snapshot:
    """One revision of a dataset's index, open for reading. Safe to use from several threads at once.

    Images are numbered 0..n-1 by the bytes of their path; every index below is such a number. Arrays are read-only
    memory maps. `width`, `height`: int32 (n,), pixels, upright; `file_size`: int64 (n,), bytes; `modified_ns`: int64
    (n,), since 1970; `path_length`: int32 (n,), characters of the shown path; `detail`: float32
    (n,), see `hashing`; `folder`: int32 (n,), which of `folders`;
    `representative`: int32 (n,), the image that stands for its exact copies; `twin`: int32 (n,), the one that stands
    for all of that size and hash; `uniqueness`: float64 (n,), NaN where unknown; `nearest`: int32 (n,), -1 for none;
    `nearest_similarity`: float64 (n,);
    `pair_*` (p,): close pairs of images that stand for their twins, by falling similarity, first < second, and how the
    second is turned relative to the first; `merge_*` (q,): the merges in order, the cluster of `second` joining that of
    `first`;
    `media_id`: uint8 (n, 16), and `single_id`, the id of a cluster of that image alone; `content_hash`: uint8 (n, 16);
    `file_path_*`, `absolute_path_*`: see `text_array`; `keeper_rank`: int32 (n,), 0 for the best keeper of near copies;
    `member_order`: int32 (n,), and `cluster_*` (k,): every cluster of two or more that any threshold has, by falling
    similarity, see `cluster_tree` and `cluster_table`; `pair_lookup`: int32 (p,), see `kinship`.
    """

    width: NDArray[np.int32]
    height: NDArray[np.int32]
    file_size: NDArray[np.int64]
    modified_ns: NDArray[np.int64]
    path_length: NDArray[np.int32]
    detail: NDArray[np.float32]
    folder: NDArray[np.int32]
    representative: NDArray[np.int32]
    twin: NDArray[np.int32]
    uniqueness: NDArray[np.float64]
    nearest: NDArray[np.int32]
    nearest_similarity: NDArray[np.float64]
    pair_first: NDArray[np.int32]
    pair_second: NDArray[np.int32]
    pair_similarity: NDArray[np.float64]
    pair_orientation: NDArray[np.uint8]
    merge_first: NDArray[np.int32]
    merge_second: NDArray[np.int32]
    merge_similarity: NDArray[np.float64]
    media_id: NDArray[np.uint8]
    single_id: NDArray[np.uint8]
    content_hash: NDArray[np.uint8]
    file_path_text: NDArray[np.uint8]
    file_path_end: NDArray[np.int64]
    absolute_path_text: NDArray[np.uint8]
    absolute_path_end: NDArray[np.int64]
    keeper_rank: NDArray[np.int32]
    member_order: NDArray[np.int32]
    cluster_id: NDArray[np.uint8]
    cluster_similarity: NDArray[np.float64]
    cluster_until: NDArray[np.float64]
    cluster_start: NDArray[np.int32]
    cluster_size: NDArray[np.int32]
    cluster_exact: NDArray[np.bool_]
    cluster_keeper: NDArray[np.int32]
    cluster_removable_bytes: NDArray[np.int64]
    pair_lookup: NDArray[np.int32]

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.path = folder
        self.revision: str = manifest["revision"]
        self.created_at: str = manifest["created_at"]
        """ISO 8601, UTC."""
        self.inputs: str = manifest["inputs"]
        """A digest of what was compared; see `publishing.inputs_digest`."""
        self.fingerprints: str = manifest["fingerprints"]
        """Version and signals of the fingerprints; those of others are taken again."""
        self.signals: tuple[str, ...] = tuple(manifest["signals"])
        self.floor: float = manifest["floor"]
        self.search: dict[str, Any] = manifest["search"]
        """How pairs were looked for, see `search.Search`."""
        self.stretch = Stretch(*manifest["stretch"])
        """How much signals were stretched because the dataset's own pictures are much alike: see `kindred`."""
        self.closest_similarity: float | None = manifest["closest_similarity"]
        """Of the closest pair that is not pixel-equal, below the floor too; None where no two images were compared."""
        self.calibration: dict[str, Any] = manifest["calibration"]
        self.folders: list[str] = manifest["folders"]
        """First-level folders, shown; `.` for the root itself."""
        self.image_count: int = manifest["counts"]["images"]
        self.alias_count: int = manifest["counts"]["aliases"]
        self.skipped_count: int = manifest["counts"]["skipped"]
        self.total_bytes: int = manifest["counts"]["bytes"]
        self.skipped_reasons: dict[str, int] = manifest["skipped_reasons"]
        self.skipped_sample: list[tuple[str, str]] = [(path, why) for path, why in manifest["skipped_sample"]]
        """(shown path, reason) of the first of them by path, at most 20."""
        for name in ARRAYS:
            setattr(self, name, map_array(folder / f"{name}.npy"))
        self._stamp = _stamp(folder)

    @property
    def is_there(self) -> bool:
        """Whether the files that were opened still are: they may have been set aside, replaced or removed since."""
        return self._stamp == _stamp(self.path)

    @cached_property
    def signal_rows(self) -> SignalRows:
        """The hashes and embeddings of all images, in image order."""
        return SignalRows.mapped(self.path)

    @property
    def uncompared_count(self) -> int:
        """Images with too little detail to be compared, and without an exact copy."""
        return int(np.isnan(self.uniqueness).sum())

    def rows(self, indices: Sequence[int]) -> list[ImageRow]:
        """Return these images' rows, in the order asked for.

        Raises IndexError for a number that is no image's, `SnapshotError` where the files have gone.
        """
        self._check_that_it_is_there()
        if not all(0 <= index < self.image_count for index in indices):
            raise IndexError(f"no such image; this dataset has {self.image_count}")
        chosen = np.array(indices, dtype=np.int64)
        numbers = np.stack([self.width[chosen], self.height[chosen], self.file_size[chosen], self.modified_ns[chosen]])
        rows = zip(chosen.tolist(), uuid_texts(self.media_id[chosen]), numbers.T.tolist(), strict=True)
        return [
            ImageRow(
                index,
                media_id,
                unpacked(self.file_path_text, self.file_path_end, index).decode(),
                os.fsdecode(unpacked(self.absolute_path_text, self.absolute_path_end, index)),
                width,
                height,
                file_size,
                modified_ns,
                self.content_hash[index].tobytes().hex(),
            )
            for index, media_id, (width, height, file_size, modified_ns) in rows
        ]

    def image_index(self, media_id: str) -> int | None:
        """Return the number of the image with this id, None where there is none.

        Raises `SnapshotError` where the files have gone.
        """
        self._check_that_it_is_there()
        return place_of(self.media_id, media_id)

    def image_called(self, file_path: str) -> int | None:
        """Return the number of the image that is shown under this path, None where there is none."""
        answer = self._query('SELECT "index" FROM read_parquet(?) WHERE file_path = ?', [file_path])
        return int(answer[0][0]) if answer else None

    def image_of(self, file: FoundFile) -> int | None:
        """Return the number of the image that this file is, under whichever of its names; None where it is none."""
        device, inode = file.identity
        answer = self._query(
            'SELECT "index" FROM read_parquet(?) WHERE absolute_path = ?::BLOB OR '
            "(inode <> 0 AND inode = ? AND device = ? AND file_size = ? AND mtime_ns = ?) "
            "ORDER BY absolute_path <> ?::BLOB",
            [path := os.fsencode(file.absolute), inode, device, file.size, file.mtime_ns, path],
        )
        return int(answer[0][0]) if answer else None

    def media_ids(self) -> list[str]:
        """Return the ids of all images, in image order."""
        return uuid_texts(self.media_id)

    def _query(self, sql: str, parameters: list[Any]) -> list[Any]:
        """Raises `SnapshotError` where the table has gone, as when others have published twice since."""
        table = self.path / "images.parquet"
        try:
            with self._tables.cursor() as cursor:
                rows: list[Any] = cursor.execute(sql, [str(table), *parameters]).fetchall()
        except duckdb.Error as error:
            raise SnapshotError(f"{table.name} cannot be read any more ({type(error).__name__})") from error
        return rows

    @cached_property
    def _tables(self) -> Any:
        return connect()

    def _check_that_it_is_there(self) -> None:
        """What is mapped stays readable, but whoever removed it, or has published twice since, means us to notice."""
        if not (self.path / MANIFEST).exists():
            raise SnapshotError(f"{self.path.name} has gone from the cache")


def current_snapshot(dataset_folder: Path) -> Snapshot | None:
    """Open the snapshot that a dataset's folder in the cache points to; None before the first one.

    Raises `SnapshotError` where there is one that is not to be trusted.
    """
    try:
        pointer = json.loads((dataset_folder / POINTER).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise SnapshotError(f"{POINTER} cannot be read") from None
    return _opened(dataset_folder, pointer)


def snapshot_before(dataset_folder: Path) -> Snapshot | None:
    """Open the snapshot before the current one; None where there is none that can be trusted."""
    try:
        pointer = json.loads((dataset_folder / POINTER).read_bytes())
        return _opened(dataset_folder, pointer["before"])
    except (OSError, ValueError, KeyError, TypeError, SnapshotError):
        return None


def _opened(dataset_folder: Path, pointer: Any) -> Snapshot:
    try:
        folder = dataset_folder / "snapshots" / str(pointer["revision"])
        return Snapshot(folder, _verified(folder, pointer["manifest"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"it cannot be read ({type(error).__name__})") from None


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _verified(folder: Path, digest: str) -> dict[str, Any]:
    """Return the manifest, once it and every file it names are what was written."""
    content = (folder / MANIFEST).read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise SnapshotError(f"the checksum of {MANIFEST} does not match")
    manifest: dict[str, Any] = json.loads(content)
    if manifest["schema"] != SCHEMA_VERSION:
        raise SnapshotError(f"its schema version is {manifest['schema']!r}, this engine reads {SCHEMA_VERSION}")
    for name, expected in manifest["files"].items():
        if file_digest(folder / name) != expected:
            raise SnapshotError(f"the checksum of {name} does not match")
    return manifest


def _stamp(folder: Path) -> tuple[int, int] | None:
    try:
        status = (folder / MANIFEST).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
