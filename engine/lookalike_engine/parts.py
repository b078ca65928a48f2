"""What earlier runs found out about files: the current snapshot, and the finished batches of runs that did not end."""

import dataclasses
import json
import logging
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import duckdb

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.fingerprints import FINGERPRINT_VERSION, PART_FILES, Fingerprint, load, load_part, save_part
from lookalike_engine.scan import FoundFile, Identity
from lookalike_engine.snapshot import Snapshot, file_digest

_FOLDERS: Final = "parts-"
_CHECKSUMS: Final = "checksums.json"

_LOG = logging.getLogger("lookalike.engine")

_Stamp = tuple[int, int]


class Parts:
    """The finished batches of an indexing run, one folder each, in a dataset's folder of the cache."""

    def __init__(self, dataset_folder: Path) -> None:
        self._dataset_folder = dataset_folder
        self._folder = dataset_folder / f"{_FOLDERS}{FINGERPRINT_VERSION}"
        self._count = 0

    def load(self) -> list[Fingerprint]:
        """Return what the batches of earlier runs hold; one that is not whole is thrown away."""
        found: list[Fingerprint] = []
        if not self._folder.is_dir():
            return found
        for part in sorted(self._folder.iterdir()):
            if not part.name.isdecimal():  # what a run that was killed was writing
                _remove(part)
                continue
            try:
                _verify(part)
                found += load_part(part)
            except (OSError, EOFError, ValueError, KeyError, TypeError, duckdb.Error) as error:
                _LOG.warning("a finished batch is not as it was written and is taken again: %s", type(error).__name__)
                _remove(part)
                continue
            self._count = max(self._count, int(part.name) + 1)
        return found

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Write one finished batch."""
        writing = self._folder / f"writing-{os.getpid()}"
        writing.mkdir(parents=True)
        save_part(writing, fingerprints)
        checksums = {path.name: file_digest(path) for path in writing.iterdir()}
        (writing / _CHECKSUMS).write_text(json.dumps(checksums), encoding="utf-8")
        writing.rename(self._folder / f"{self._count:08d}")
        self._count += 1

    def clear(self) -> None:
        """Forget the batches, those of other versions too: a snapshot holds what they held."""
        for folder in self._dataset_folder.glob(f"{_FOLDERS}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _verify(part: Path) -> None:
    """Raise `ValueError`, or whatever reading raises, where a batch is not what was written."""
    checksums = json.loads((part / _CHECKSUMS).read_bytes())
    if any(file_digest(part / name) != checksums[name] for name in PART_FILES):
        raise ValueError("a checksum does not match")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def remembered(snapshot: Snapshot) -> list[Fingerprint]:
    """Return the fingerprints that a snapshot holds: of its images, and of files that are none for good.

    None where they are of another version: the same files would get other ones now.
    """
    if snapshot.fingerprints != FINGERPRINT_VERSION:
        return []
    images = load(snapshot.path / "images.parquet", snapshot.path / "hashes.npy")
    return images + load(snapshot.path / "others.parquet", None)


class Known:
    """Finds the fingerprint of a file that has not changed since it was taken."""

    def __init__(self, fingerprints: Iterable[Fingerprint]) -> None:
        self._by_path: dict[str, Fingerprint] = {}
        self._by_identity: dict[tuple[Identity, _Stamp], Fingerprint] = {}
        for each in fingerprints:
            if each.reason is not None and not each.reason.lasting:
                continue
            self._by_path[each.file.path] = each
            self._by_identity[each.file.identity, _stamp(each.file)] = each

    def find(self, file: FoundFile, settings: EngineSettings) -> Fingerprint | None:
        """Return the file's fingerprint: by path, size and times, or, for a renamed file, by inode, size and time.

        Renaming changes `ctime_ns`. A file whose own path was known with another one has been written to, or had its
        permissions changed: it is read again.
        """
        known = self._by_path.get(file.path)
        if known is None:
            known = self._by_identity.get((file.identity, _stamp(file))) if file.identity[1] else None
        elif (_stamp(known.file), known.file.ctime_ns) != (_stamp(file), file.ctime_ns):
            return None
        if known is None or file.size > settings.max_file_bytes or known.width * known.height > settings.max_pixels:
            return None
        return dataclasses.replace(known, file=file)


def _stamp(file: FoundFile) -> _Stamp:
    return file.size, file.mtime_ns
