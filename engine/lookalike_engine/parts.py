"""What earlier runs found out about files: the current snapshot, and finished batches of which no snapshot was made.

Those are of runs that did not end, or of files that were read again and turned out to be what they had been.
"""

import dataclasses
import json
import logging
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.fingerprints import FINGERPRINT_VERSION, Fingerprint, load, save
from lookalike_engine.growing_rows import GrowingRows
from lookalike_engine.scan import FoundFile, Identity
from lookalike_engine.signal_rows import SignalRows
from lookalike_engine.signals import Signals
from lookalike_engine.snapshot import Snapshot, file_digest

_FOLDERS: Final = "parts-"
_TABLE: Final = "files.parquet"
_ABOUT: Final = "about.json"

_LOG = logging.getLogger("lookalike.engine")

_Stamp = tuple[int, int]


def fingerprints_of(signals: Signals) -> str:
    """Name the fingerprints that are taken with these signals: the same file gets the same one as long as this is."""
    return f"{FINGERPRINT_VERSION}-{signals.identity}"


class Parts:
    """The finished batches since the last snapshot was published, in a dataset's folder of the cache.

    A folder with a table for each, and their hashes and embeddings in files that all of them share and that only grow.
    """

    def __init__(self, dataset_folder: Path, signals: Signals) -> None:
        self._dataset_folder = dataset_folder
        self._folder = dataset_folder / f"{_FOLDERS}{fingerprints_of(signals)}"
        self._rows = GrowingRows(self._folder, signals.dimension)
        self._count = 0

    def load(self) -> list[Fingerprint]:
        """Return what the batches of earlier runs hold, the latest last; one that is not whole is thrown away."""
        if not self._folder.is_dir():
            return []
        whole: list[tuple[Path, list[Fingerprint]]] = []
        for part in sorted(path for path in self._folder.iterdir() if path.is_dir()):
            if not part.name.isdecimal():  # what a run that was killed was writing
                shutil.rmtree(part)
                continue
            try:
                about = self._verified(part)
                whole.append((part, load(part / _TABLE, self._rows, about["rows"][0])))
            except (OSError, EOFError, ValueError, KeyError, TypeError, duckdb.Error) as error:
                _LOG.warning("a finished batch is not as it was written and is taken again: %s", type(error).__name__)
                shutil.rmtree(part)
                continue
            self._count = int(part.name) + 1
        batches = _not_taken_again(whole)
        self._rows.cut(max((each.row + 1 for batch in batches for each in batch), default=0))
        return [each for batch in batches for each in batch]

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Write one finished batch; what its fingerprints hold in memory is let go for what is on disk."""
        pictures = [each for each in fingerprints if each.reason is None]
        self._folder.mkdir(parents=True, exist_ok=True)
        first = self._rows.append([each.rows for each in pictures], [each.row for each in pictures])
        writing = self._folder / f"writing-{os.getpid()}"
        writing.mkdir()
        save(writing / _TABLE, fingerprints)
        end = first + len(pictures)
        about = {
            "table": file_digest(writing / _TABLE),
            "rows": [first, end],
            "signals": self._rows.digest(first, end),
        }
        (writing / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        writing.rename(self._folder / f"{self._count:08d}")
        self._count += 1
        for row, each in enumerate(pictures, first):
            each.rows, each.row = self._rows, row

    def clear(self) -> None:
        """Forget the batches, those of other versions too: a snapshot that was just published holds what they held."""
        for folder in self._dataset_folder.glob(f"{_FOLDERS}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _verified(self, part: Path) -> dict[str, Any]:
        """Raise `ValueError`, or whatever reading raises, where a batch is not what was written."""
        about: dict[str, Any] = json.loads((part / _ABOUT).read_bytes())
        first, end = about["rows"]
        if file_digest(part / _TABLE) != about["table"] or self._rows.digest(first, end) != about["signals"]:
            raise ValueError("a checksum does not match")
        return about


def _not_taken_again(batches: Sequence[tuple[Path, list[Fingerprint]]]) -> list[list[Fingerprint]]:
    """Remove each batch whose files have all been read again since, and return the others: there are ever few."""
    later: set[str] = set()
    kept: list[list[Fingerprint]] = []
    for part, fingerprints in reversed(batches):
        paths = {each.file.path for each in fingerprints}
        if paths <= later:
            shutil.rmtree(part)
            continue
        later |= paths
        kept.append(fingerprints)
    return kept[::-1]


def remembered(snapshot: Snapshot, signals: Signals) -> list[Fingerprint]:
    """Return the fingerprints that a snapshot holds: of its images, and of files that are none for good.

    None where they are of another version, or of other signals: the same files would get other ones now.
    """
    if snapshot.fingerprints != fingerprints_of(signals):
        return []
    images = load(snapshot.path / "images.parquet", SignalRows.mapped(snapshot.path))
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
