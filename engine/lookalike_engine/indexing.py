"""One indexing run: scan, decode and fingerprint in batches, compare, publish."""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final, Literal

from filelock import FileLock, Timeout

from lookalike_engine.comparison import compare
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import IndexingCancelledError, SkipReason, SnapshotError, TooMuchToDoError
from lookalike_engine.fingerprinting import fingerprint_batch, pixel_hash_of
from lookalike_engine.fingerprints import NO_DIGEST, Fingerprint
from lookalike_engine.names import dataset_id, index_folder, shown
from lookalike_engine.parts import Known, Parts, remembered
from lookalike_engine.publishing import (
    Contents,
    gather,
    inputs_digest,
    publish,
    remove_leftovers,
    set_aside,
    work_folder,
)
from lookalike_engine.scan import Alias, FoundFile, Scan, Skipped, scan
from lookalike_engine.signals import Signals, load_signals
from lookalike_engine.snapshot import Snapshot, current_snapshot

Stage = Literal["waiting", "scanning", "decoding", "comparing", "publishing"]
Progress = Callable[[Stage, int, int | None], None]
"""Told the stage, how much of it is done, and of how much (None while unknown)."""

BATCH_FILES: Final = 256
"""Files per batch: what a killed run loses at most."""

_LOCK_POLL_SECONDS: Final = 0.2
_LOG = logging.getLogger("lookalike.engine")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a run may do."""

    read: int
    """Files to open and fingerprint."""
    compared: int
    """Images of which one or more have changed, and which are compared anew."""


@dataclass(frozen=True, slots=True)
class IndexingReport:
    """What a run did."""

    snapshot: Snapshot
    """The current snapshot, new or as it was."""
    read: int
    """Files that were opened and fingerprinted."""
    reused: int
    """Files whose fingerprint was known already."""


def index(  # noqa: PLR0913 - how, beside what and where to, has defaults
    dataset: FolderDataset,
    settings: EngineSettings,
    *,
    progress: Progress = lambda _stage, _done, _total: None,
    cancel: Event | None = None,
    batch_files: int = BATCH_FILES,
    allowance: Allowance | None = None,
) -> IndexingReport:
    """Bring the index of a dataset up to date with its folders and return the current snapshot.

    Only files that are new or have changed are opened. One run per dataset at a time, over all processes that share
    the cache: a second one waits, and then has nothing left to do. `cancel` ends the run within about one picture's
    decoding; finished batches stay on disk, and the next run goes on from them.
    Raises `IndexingCancelledError`, `TooMuchToDoError` where `allowance` does not cover what there is to do,
    `EngineError` where a folder of the dataset cannot be read, and OSError where the cache cannot be written.
    """
    folders = [folder.resolve() for folder in dataset.folders]
    identifier = dataset_id(dataset.name, folders)
    place = index_folder(settings.cache_dir, identifier, settings.signals)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    signals = load_signals(settings.signals)
    run = _Run(identifier, place, settings, signals, progress, cancel or Event(), batch_files, allowance)
    lock = FileLock(place / "lock", thread_local=False)
    while True:
        run.stop()
        try:
            lock.acquire(timeout=_LOCK_POLL_SECONDS)
            break
        except Timeout:
            progress("waiting", 0, None)
    try:
        remove_leftovers(place)
        with ThreadPoolExecutor(settings.workers, thread_name_prefix="lookalike-decode") as executor:
            return run.bring_up_to_date(folders, executor)
    finally:
        remove_leftovers(place)
        lock.release()


@dataclass(slots=True)
class _Run:
    dataset_id: str
    place: Path
    settings: EngineSettings
    signals: Signals
    progress: Progress
    cancel: Event
    batch_files: int
    allowance: Allowance | None

    def stop(self) -> None:
        if self.cancel.is_set():
            raise IndexingCancelledError

    def bring_up_to_date(self, folders: Sequence[Path], executor: Executor) -> IndexingReport:
        current = self._current()
        self.progress("scanning", 0, None)
        found = scan(folders, self.stop, partial(self._scanning, current))
        parts = Parts(self.place, self.signals)
        published, left = remembered(current, self.signals) if current else [], parts.load()
        fingerprints, read = self._fingerprint(found.files, Known([*published, *left]), parts, executor)
        pictures = [each for each in fingerprints if each.reason is None]
        others = [each for each in fingerprints if each.reason is not None]
        aliases, skipped = _sort_out(found, others)

        lasting = [each for each in others if each.reason is not None and each.reason.lasting]
        contents = Contents(self.dataset_id, self.signals, pictures, lasting, skipped, aliases)
        if current is None or current.inputs != inputs_digest(contents):
            current = self._publish(contents, executor)
            parts.clear()
        elif not (left or read) or self._all_known(found.files, Known(published)):
            parts.clear()  # else they alone say that files were read again, and are what they had been
        return IndexingReport(current, read=read, reused=len(fingerprints) - read)

    def _all_known(self, files: Sequence[FoundFile], known: Known) -> bool:
        return all(known.find(file, self.settings) is not None for file in files)

    def _publish(self, contents: Contents, executor: Executor) -> Snapshot:
        def take_pixel_hashes(images: list[int]) -> None:
            self._take_pixel_hashes([contents.pictures[image] for image in images], executor)

        if self.allowance is not None and len(contents.pictures) > self.allowance.compared:
            raise TooMuchToDoError
        self.progress("comparing", 0, None)
        with work_folder(self.place) as work:
            rows = gather(contents.pictures, work, self.signals.dimension)
            comparison = compare(
                contents.pictures, rows, self.signals.scale, take_pixel_hashes, self._comparing, self.stop, work=work
            )
            self.progress("publishing", 0, None)
            publish(self.place, contents, comparison, work)
        snapshot = current_snapshot(self.place)
        if snapshot is None:
            raise SnapshotError("the cache was emptied while the index was being written")
        _LOG.info(
            "published %s: %d images, %d skipped",
            snapshot.revision,
            snapshot.image_count,
            snapshot.skipped_count,
        )
        return snapshot

    def _current(self) -> Snapshot | None:
        while True:
            try:
                return current_snapshot(self.place)
            except SnapshotError as error:
                _LOG.warning("the index %s is not used: %s; it is set aside and built again", self.dataset_id, error)
                set_aside(self.place)

    def _fingerprint(
        self, files: Sequence[FoundFile], known: Known, parts: Parts, executor: Executor
    ) -> tuple[list[Fingerprint], int]:
        """Return the fingerprints of all files, in their order, and how many of them had to be taken."""
        fingerprints = {file.path: known.find(file, self.settings) for file in files}
        unknown = [file for file in files if fingerprints[file.path] is None]
        if self.allowance is not None and len(unknown) > self.allowance.read:
            raise TooMuchToDoError
        reused = len(files) - len(unknown)
        self.progress("decoding", reused, len(files))
        for start in range(0, len(unknown), self.batch_files):
            batch = fingerprint_batch(
                unknown[start : start + self.batch_files],
                self.settings,
                executor,
                self.stop,
                partial(self._decoding, reused + start, len(files)),
            )
            parts.add(batch)
            for each in batch:
                fingerprints[each.file.path] = each
                if each.reason is not None and each.reason is not SkipReason.NOT_AN_IMAGE:
                    _LOG.info("skipped %r: %s", shown(each.file.path), each.reason.value)
            self.stop()
        return [each for each in fingerprints.values() if each is not None], len(unknown)

    def _take_pixel_hashes(self, pictures: Sequence[Fingerprint], executor: Executor) -> None:
        missing = [each for each in pictures if each.pixel_hash == NO_DIGEST]

        def take(picture: Fingerprint) -> bytes | None:
            self.stop()
            return pixel_hash_of(picture.file, self.settings)

        for done, (picture, digest) in enumerate(zip(missing, executor.map(take, missing), strict=True), start=1):
            picture.pixel_hash = digest or NO_DIGEST
            self.progress("comparing", done, None)

    def _scanning(self, current: Snapshot | None, found: int) -> None:
        self.progress("scanning", found, None)
        known = 0 if current is None else current.image_count + current.alias_count + current.skipped_count
        if self.allowance is not None and found - known > self.allowance.read:  # no need to walk on to see that
            raise TooMuchToDoError

    def _decoding(self, before: int, total: int, taken: int) -> None:
        self.progress("decoding", before + taken, total)

    def _comparing(self, done: int, total: int) -> None:
        self.stop()
        self.progress("comparing", done, total)


def _sort_out(found: Scan, others: Sequence[Fingerprint]) -> tuple[list[Alias], list[Skipped]]:
    """Tell other names of images from other names of files that are none, and list all that is skipped by path."""
    reasons = {each.file.path: each.reason for each in others if each.reason is not None}
    skipped = [*found.skipped, *(Skipped(path, reason) for path, reason in reasons.items())]
    skipped += [Skipped(alias.path, reasons[alias.target]) for alias in found.aliases if alias.target in reasons]
    aliases = [alias for alias in found.aliases if alias.target not in reasons]
    return aliases, sorted(skipped, key=lambda each: os.fsencode(each.path))
