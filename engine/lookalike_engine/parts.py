"""What earlier runs found out about files: the current snapshot, and the finished batches of runs that did not end."""

import dataclasses
import logging
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import duckdb

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.fingerprints import Fingerprint, load, load_part, save_part
from lookalike_engine.scan import FoundFile, Identity
from lookalike_engine.snapshot import Snapshot

_FORMAT: Final = "parts-1"
"""Raised whenever a fingerprint of an older engine would mean something else."""

_LOG = logging.getLogger("lookalike.engine")

_Stamp = tuple[int, int]


class Parts:
    """The finished batches of an indexing run, one folder each, in a dataset's folder of the cache."""

    def __init__(self, dataset_folder: Path) -> None:
        self._folder = dataset_folder / _FORMAT
        self._count = 0

    def load(self) -> list[Fingerprint]:
        """Return what the batches of earlier runs hold; a batch that was not written to its end is thrown away."""
        found: list[Fingerprint] = []
        if not self._folder.is_dir():
            return found
        for part in sorted(self._folder.iterdir()):
            if part.name.startswith("writing-"):
                shutil.rmtree(part)
                continue
            try:
                found += load_part(part)
            except (OSError, ValueError, duckdb.Error) as error:
                _LOG.warning("a finished batch cannot be read and is taken again: %s", type(error).__name__)
                shutil.rmtree(part)
                continue
            self._count = max(self._count, int(part.name) + 1)
        return found

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Write one finished batch."""
        writing = self._folder / f"writing-{os.getpid()}"
        writing.mkdir(parents=True)
        save_part(writing, fingerprints)
        writing.rename(self._folder / f"{self._count:08d}")
        self._count += 1

    def clear(self) -> None:
        """Forget the batches: a snapshot holds what they held."""
        shutil.rmtree(self._folder, ignore_errors=True)


def remembered(snapshot: Snapshot) -> list[Fingerprint]:
    """Return the fingerprints that a snapshot holds: of its images, and of files that are none for good."""
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
        """Return the file's fingerprint: by path, size and time, or, for a renamed file, by inode, size and time."""
        known = self._by_path.get(file.path)
        if known is None or _stamp(known.file) != _stamp(file):
            known = self._by_identity.get((file.identity, _stamp(file))) if file.identity[1] else None
        if known is None or file.size > settings.max_file_bytes or known.width * known.height > settings.max_pixels:
            return None
        return dataclasses.replace(known, file=file)


def _stamp(file: FoundFile) -> _Stamp:
    return file.size, file.mtime_ns
