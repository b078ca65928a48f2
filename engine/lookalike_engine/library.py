"""The datasets that are served, and the background runs that keep their indexes up to date."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import EngineError, SnapshotError
from lookalike_engine.names import dataset_id, index_folder
from lookalike_engine.scan import prefixes

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot

_LOG = logging.getLogger("lookalike.engine")


class Status(StrEnum):
    """Where a dataset stands, in the Explore API's words."""

    DRAFT = "DRAFT"
    INDEXING = "INDEXING"
    READY = "READY"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class IndexingProgress:
    """How far a run has come."""

    stage: str
    """queued (another dataset is indexed first), waiting (another process is indexing the same dataset), scanning,
    decoding, comparing or publishing."""
    done: int
    total: int | None
    """None while unknown."""


@dataclass(frozen=True, slots=True)
class DatasetState:
    """One dataset at one moment."""

    id: str
    name: str
    status: Status
    """READY as soon as there is a snapshot: it answers, whatever a run that is to replace it is at."""
    root_path: Path | None
    """The resolved folder that paths are relative to; None for joined folders."""
    roots: tuple[tuple[str, Path], ...] = ()
    """Of joined folders: what paths begin with, and the resolved folder that it stands for."""
    snapshot: "Snapshot | None" = None
    """The last index that was published and can be trusted."""
    progress: IndexingProgress | None = None
    """While a run is under way."""
    error: str | None = None
    """What was wrong with the last run that ended, or with the index that was found, and what to do."""


@dataclass(slots=True)
class _Served:
    dataset: FolderDataset
    state: DatasetState
    opened: bool = False
    opening: threading.Lock = field(default_factory=threading.Lock)
    """Held while an index is opened, which reads all of it: only who asks for this dataset waits."""
    looked_at: float | None = None
    """On the monotonic clock, when the last run that succeeded began."""
    began: float = 0.0
    """On the same clock, when the run under way did."""
    untold_until: float | None = None
    """On the same clock: a run has ended that nobody was told of; until then whoever asks hears of it, and starts no
    other."""
    run: threading.Thread | None = None
    waiting: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])


_UNTOLD_SECONDS: Final = 2.0


class Library:
    """All served datasets. Every method may be called from any thread; none but `close` waits for a run.

    `dataset`, `refresh` and `lost` may read a whole index to see that it is what was written: not for an event loop.

    Raises `EngineError` where the cache would lie, visibly, inside a served folder, which is only ever read.
    """

    def __init__(self, datasets: Sequence[FolderDataset], settings: EngineSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._served: dict[str, _Served] = {}
        for dataset in datasets:
            folders = tuple(folder.resolve() for folder in dataset.folders)
            for folder in folders:
                _refuse_cache_inside(settings.cache_dir.resolve(), folder)
            identifier = dataset_id(dataset.name, folders)
            root = folders[0] if len(folders) == 1 else None
            starts = zip((prefix.rstrip("/") for prefix in prefixes(folders)), folders, strict=True)
            state = DatasetState(identifier, dataset.name, Status.DRAFT, root, () if root else tuple(starts))
            self._served[identifier] = _Served(FolderDataset(dataset.name, folders), state)

    def ids(self) -> list[str]:
        """Return the ids of all datasets, in the order they were given."""
        return list(self._served)

    def folders(self, identifier: str) -> tuple[Path, ...]:
        """Return the resolved folders of a dataset. Raises KeyError for an id that is not served."""
        return self._served[identifier].dataset.folders

    def dataset(self, identifier: str) -> DatasetState:
        """Return where a dataset stands; opens an index that an earlier run has left, starts none.

        Raises KeyError for an id that is not served.
        """
        served = self._served[identifier]
        with served.opening:
            if not served.opened:
                self._open_existing(served)
                served.opened = True
        with self._lock:
            return served.state

    def state(self, identifier: str) -> DatasetState:
        """Return where a dataset stands, opening nothing. Raises KeyError for an id that is not served."""
        with self._lock:
            return self._served[identifier].state

    def lost(self, identifier: str, snapshot: "Snapshot") -> None:
        """Give up an open snapshot whose files have gone, for the one that is current now, or else for a new run.

        The cache was emptied, or other servers that share it have published twice since. Raises KeyError for an id that
        is not served.
        """
        served = self._served[identifier]
        with served.opening:
            with self._lock:
                held = served.state.snapshot
                if held is not snapshot:
                    return
                status = Status.DRAFT if served.run is None else Status.INDEXING
                served.state = replace(served.state, status=status, snapshot=None)
                served.looked_at = served.untold_until = None
            _LOG.warning("the index of %r has gone from the cache; another is opened or built", served.dataset.name)
            self._open_existing(served)

    def refresh(self, identifier: str) -> None:
        """Start a background run if the folders were never looked at, not recently, or not successfully.

        Raises KeyError for an id that is not served.
        """
        self.dataset(identifier)
        served = self._served[identifier]
        with self._lock:
            if served.run is not None or self._cancel.is_set() or self._is_fresh(served):
                return
            served.state = replace(served.state, progress=IndexingProgress("scanning", 0, None))
            if served.state.snapshot is None:
                served.state = replace(served.state, status=Status.INDEXING, error=None)
            served.began, served.untold_until = time.monotonic(), None
            served.run = threading.Thread(
                target=self._run, args=(served,), name=f"lookalike-index-{identifier}", daemon=True
            )
            served.run.start()

    async def ready(self, identifier: str, seconds: float, with_snapshot: float | None = None) -> DatasetState:
        """Wait, at most `seconds`, for the run under way to end, if there is one; return where things stand.

        With a snapshot, which answers meanwhile, wait until the run is `with_snapshot` seconds old, if that is given.
        Raises KeyError for an id that is not served.
        """
        served = self._served[identifier]
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed in the meantime: nobody is waiting
                loop.call_soon_threadsafe(ended.set)

        with self._lock:
            if served.run is None:
                return _told(served)
            if with_snapshot is not None and served.state.snapshot is not None:
                seconds = served.began + with_snapshot - time.monotonic()
            served.waiting.append(wake)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), seconds)
        finally:
            with self._lock, suppress(ValueError):
                served.waiting.remove(wake)
        with self._lock:
            return _told(served)

    def close(self) -> None:
        """Cancel the runs under way and wait until they have ended; no further run starts."""
        self._cancel.set()
        with self._lock:
            runs = [served.run for served in self._served.values() if served.run is not None]
        for run in runs:
            run.join()

    def _is_fresh(self, served: _Served) -> bool:
        now = time.monotonic()
        if served.untold_until is not None and now < served.untold_until:
            return True
        if served.looked_at is None or served.state.error is not None:
            return False
        return now - served.looked_at <= self._settings.refresh_after_seconds

    def _open_existing(self, served: _Served) -> None:
        # numpy and duckdb stay out of start-up
        from lookalike_engine.snapshot import current_snapshot, snapshot_before  # noqa: PLC0415

        place, failure = index_folder(self._settings.cache_dir, served.state.id, self._settings.signals), None
        try:
            snapshot = current_snapshot(place)
        except SnapshotError as error:  # the run that follows finds the same, sets it aside and builds a new one
            snapshot = snapshot_before(place)
            failure = f"the last index cannot be trusted: {error}; it is set aside and built again"
        with self._lock:
            if snapshot is not None and served.state.snapshot is None:
                failure = failure or served.state.error
                served.state = replace(served.state, status=Status.READY, snapshot=snapshot, error=failure)

    def _run(self, served: _Served) -> None:
        from lookalike_engine.background import attempt  # noqa: PLC0415 - as above

        def note(stage: str, done: int, total: int | None) -> None:
            with self._lock:
                served.state = replace(served.state, progress=IndexingProgress(stage, done, total))

        before = served.state.snapshot
        images = 0 if before is None else before.image_count
        outcome = attempt(served.dataset, self._settings, images, note, self._cancel)
        with self._lock:
            snapshot, failure, held = outcome.snapshot, outcome.failure, served.state.snapshot
            if snapshot is not None:
                served.looked_at = served.began
            elif failure is None:  # cancelled: nothing was found out
                failure = served.state.error
            if snapshot is None or (held is not None and held.revision == snapshot.revision and held.is_there):
                snapshot = held
            status = Status.READY if snapshot else Status.DRAFT if failure is None else Status.ERROR
            served.state = replace(served.state, status=status, progress=None, snapshot=snapshot, error=failure)
            served.run, served.untold_until = None, time.monotonic() + _UNTOLD_SECONDS
            waiting, served.waiting = served.waiting, []
        for wake in waiting:
            wake()


def _told(served: _Served) -> DatasetState:
    if served.run is None:
        served.untold_until = None
    return served.state


def _refuse_cache_inside(cache_dir: Path, folder: Path) -> None:
    """A hidden cache, as below a served home folder, is not among the pictures; any other would be."""
    if not cache_dir.is_relative_to(folder):
        return
    if not any(part.startswith(".") for part in cache_dir.relative_to(folder).parts):
        raise EngineError(f"the cache {cache_dir} lies inside the served folder {folder}; choose another cache")
