"""Writes a snapshot and makes it the current one: all of it or nothing of it, whenever the process dies."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cluster_arrays import cluster_arrays
from lookalike_engine.cluster_ids import uuid_rows
from lookalike_engine.comparison import METHOD, Comparison
from lookalike_engine.fingerprints import NO_DIGEST, Fingerprint, to_columns
from lookalike_engine.keeper import Traits
from lookalike_engine.kinship import pair_lookup
from lookalike_engine.linkage import Merges
from lookalike_engine.names import first_level, media_id, shown
from lookalike_engine.parts import fingerprints_of
from lookalike_engine.scan import Alias, Skipped
from lookalike_engine.signal_rows import FILES, SignalRows, write
from lookalike_engine.signals import Signals
from lookalike_engine.snapshot import ARRAYS, MANIFEST, POINTER, SCHEMA_VERSION, file_digest
from lookalike_engine.tables import Columns, text_column, write_table
from lookalike_engine.text_array import packed

SKIPPED_SAMPLE: Final = 20

_WRITING: Final = "writing-"
"""What the name of a folder begins with that is not whole yet."""

_NOT_CONTENT: Final = (".device", ".inode", ".ctime_ns", ".pixel_hash")
"""Columns that say where a file lies and what has been computed of it so far, not what it is."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a snapshot is made of."""

    dataset_id: str
    signals: Signals
    pictures: Sequence[Fingerprint]
    """By the bytes of their path."""
    others: Sequence[Fingerprint]
    """Files that were read and are no images: remembered so that they need not be read again."""
    skipped: Sequence[Skipped]
    aliases: Sequence[Alias]


def inputs_digest(contents: Contents) -> str:
    """Return a digest of everything that a snapshot is made from: where it has not changed, nothing has."""
    lines = [
        (each.file.path, each.file.size, each.file.mtime_ns, each.content_hash.hex(), each.width, each.height)
        for each in contents.pictures
    ]
    lists = [lines, [astuple(each) for each in contents.skipped], [astuple(each) for each in contents.aliases]]
    return hashlib.sha256(
        json.dumps([METHOD, contents.signals.method(), fingerprints_of(contents.signals), *lists]).encode()
    ).hexdigest()


@contextmanager
def work_folder(dataset_folder: Path) -> Generator[Path]:
    """Yield an empty folder for what is made on the way to a snapshot; what a killed run left in it goes first."""
    work = dataset_folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def gather(pictures: Sequence[Fingerprint], work: Path, dimension: int) -> SignalRows:
    """Bring the rows of all pictures together in `work`, in their order, and return them, mapped into memory."""
    return write(work, [each.rows for each in pictures], [each.row for each in pictures], dimension)


def publish(dataset_folder: Path, contents: Contents, comparison: Comparison, work: Path) -> str:
    """Write a snapshot below `dataset_folder`, point to it, remove all but it and the one before; return its revision.

    The rows that were compared are taken from `work`, where `gather` put them. The revision is a digest of the content:
    what has not changed keeps it.
    """
    arrays, folders = _arrays(contents, comparison)
    rows = SignalRows.mapped(work)
    tables = _tables(contents)
    about = {
        "schema": SCHEMA_VERSION,
        "inputs": inputs_digest(contents),
        "signals": contents.signals.names,
        "fingerprints": fingerprints_of(contents.signals),
        "floor": comparison.floor,
        "search": comparison.search.as_json(),
        "stretch": comparison.stretch,
        "closest_similarity": comparison.closest_similarity,
        "calibration": comparison.calibration,
        "folders": folders,
        "counts": {
            "images": len(contents.pictures),
            "aliases": len(contents.aliases),
            "skipped": len(contents.skipped),
            "bytes": sum(each.file.size for each in contents.pictures),
        },
        "skipped_reasons": dict(sorted(Counter(each.reason.value for each in contents.skipped).items())),
        "skipped_sample": [(shown(each.path), each.reason.value) for each in contents.skipped[:SKIPPED_SAMPLE]],
    }
    revision = _revision(about, arrays | {name: getattr(rows, name) for name in FILES}, tables)
    pointer = _pointer(dataset_folder)
    before = None if pointer is None else pointer["revision"]
    if revision == before:
        return revision
    snapshots = dataset_folder / "snapshots"
    writing = snapshots / f"{_WRITING}{os.getpid()}"
    writing.mkdir(parents=True)
    for name, array in arrays.items():
        np.save(writing / f"{name}.npy", array, allow_pickle=False)
    for name in FILES:
        (work / f"{name}.npy").rename(writing / f"{name}.npy")
    for name, columns in tables.items():
        write_table(writing / f"{name}.parquet", columns)
    files = {path.name: file_digest(path) for path in sorted(writing.iterdir())}
    manifest = about | {
        "revision": revision,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
    }
    content = json.dumps(manifest, indent=1).encode()
    (writing / MANIFEST).write_bytes(content)
    for path in writing.iterdir():
        _sync(path)
    _sync(writing)
    final = snapshots / revision
    if final.exists():  # an earlier state of the folder has come back; what was kept of it may be damaged
        shutil.rmtree(final)
    writing.rename(final)
    _sync(snapshots)
    replace_file(
        dataset_folder / POINTER,
        json.dumps(
            {
                "revision": revision,
                "manifest": hashlib.sha256(content).hexdigest(),
                "before": None if pointer is None else {name: pointer[name] for name in ("revision", "manifest")},
            }
        ).encode(),
    )
    for old in snapshots.iterdir():
        if old.name not in {revision, before}:
            shutil.rmtree(old, ignore_errors=True)
    return revision


def set_aside(dataset_folder: Path) -> None:
    """Take the current snapshot out of the way, for whoever wants to look at it, until the next one is set aside.

    The one before becomes the current one, where there is one: it is not looked at here.
    """
    pointer = _pointer(dataset_folder)
    before = None if pointer is None else pointer.get("before")
    if before is None:
        (dataset_folder / POINTER).unlink(missing_ok=True)
    else:
        replace_file(dataset_folder / POINTER, json.dumps(before).encode())
    aside = dataset_folder / "set-aside"
    shutil.rmtree(aside, ignore_errors=True)
    if pointer is not None and (dataset_folder / "snapshots" / pointer["revision"]).is_dir():
        (dataset_folder / "snapshots" / pointer["revision"]).rename(aside)


def remove_leftovers(dataset_folder: Path) -> None:
    """Remove what runs that were killed or failed had been writing; only for a run that holds the dataset's lock."""
    for pattern in (f"snapshots/{_WRITING}*", f"parts-*/{_WRITING}*", "work"):
        for folder in dataset_folder.glob(pattern):
            shutil.rmtree(folder, ignore_errors=True)
    for file in dataset_folder.glob(f"{POINTER}.*"):
        with suppress(OSError):
            file.unlink()


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file's content in one step: a reader sees the old or the new, also after a crash."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    _sync(temporary)
    temporary.replace(path)
    _sync(path.parent)


def _arrays(contents: Contents, comparison: Comparison) -> tuple[dict[str, NDArray[Any]], list[str]]:
    pictures = contents.pictures
    tops = [shown(first_level(each.file.path)) for each in pictures]
    folders = sorted(set(tops))
    number = {name: at for at, name in enumerate(folders)}
    own: dict[str, NDArray[Any]] = {
        "width": np.array([each.width for each in pictures], dtype=np.int32),
        "height": np.array([each.height for each in pictures], dtype=np.int32),
        "file_size": np.array([each.file.size for each in pictures], dtype=np.int64),
        "modified_ns": np.array([each.file.mtime_ns for each in pictures], dtype=np.int64),
        "path_length": np.array([len(shown(each.file.path)) for each in pictures], dtype=np.int32),
        "detail": np.array([each.detail for each in pictures], dtype=np.float32),
        "folder": np.array([number[top] for top in tops], dtype=np.int32),
    }
    own |= _row_arrays(contents)
    own |= cluster_arrays(
        Merges(comparison.merge_first, comparison.merge_second, comparison.merge_similarity),
        comparison.representative,
        Traits(
            path_length=own["path_length"],
            pixels=own["width"].astype(np.int64) * own["height"],
            file_size=own["file_size"],
            modified_ns=own["modified_ns"],
        ),
        uuid_rows([media_id(contents.dataset_id, each.file.path) for each in pictures]),
    )
    own["pair_lookup"] = pair_lookup(comparison.pair_first, comparison.pair_second)
    compared = {name: getattr(comparison, name) for name in ARRAYS if name not in own}
    return own | compared, folders


def _row_arrays(contents: Contents) -> dict[str, NDArray[Any]]:
    pictures = contents.pictures
    file_path_text, file_path_end = packed([shown(each.file.path).encode() for each in pictures])
    absolute_path_text, absolute_path_end = packed([os.fsencode(each.file.absolute) for each in pictures])
    return {
        "file_path_text": file_path_text,
        "file_path_end": file_path_end,
        "absolute_path_text": absolute_path_text,
        "absolute_path_end": absolute_path_end,
        "content_hash": np.frombuffer(b"".join(each.content_hash for each in pictures), dtype=np.uint8).reshape(
            len(pictures), len(NO_DIGEST)
        ),
    }


def _tables(contents: Contents) -> dict[str, Columns]:
    pictures = contents.pictures
    images = to_columns(pictures) | {
        "index": np.arange(len(pictures), dtype=np.int32),
        "media_id": text_column([media_id(contents.dataset_id, each.file.path) for each in pictures]),
        "file_path": text_column([shown(each.file.path) for each in pictures]),
        "absolute_path": text_column([os.fsencode(each.file.absolute) for each in pictures]),
    }
    skipped = {
        "file_path": text_column([shown(each.path) for each in contents.skipped]),
        "reason": text_column([each.reason.value for each in contents.skipped]),
    }
    aliases = {
        "file_path": text_column([shown(each.path) for each in contents.aliases]),
        "target": text_column([shown(each.target) for each in contents.aliases]),
    }
    return {"images": images, "others": to_columns(contents.others), "skipped": skipped, "aliases": aliases}


def _revision(about: dict[str, Any], arrays: dict[str, NDArray[Any]], tables: dict[str, Columns]) -> str:
    """Digest everything that an answer could be made of; not where on the disk the files happen to lie."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    columns = {f"{table}.{name}": column for table, found in tables.items() for name, column in found.items()}
    for name, array in sorted((arrays | columns).items()):
        if name.endswith(_NOT_CONTENT):
            continue
        digest.update(f"{name} {array.shape} ".encode())
        if array.dtype == object:
            for value in array:
                data = value if isinstance(value, bytes) else value.encode()
                digest.update(len(data).to_bytes(4, "little") + data)
        else:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def _pointer(dataset_folder: Path) -> dict[str, Any] | None:
    try:
        pointer = json.loads((dataset_folder / POINTER).read_bytes())
        known = isinstance(pointer["manifest"], str) and pointer["revision"].isalnum()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return pointer if known else None


def _sync(path: Path) -> None:
    """Make a file or folder survive a power cut, where the system can (folders cannot be opened on Windows)."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
