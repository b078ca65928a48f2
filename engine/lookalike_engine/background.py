"""Where an indexing run happens: what takes a moment in the server's own process, the rest in another one."""

import logging
import threading
from dataclasses import dataclass
from typing import Final

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import EngineError, IndexingCancelledError, SnapshotError, TooMuchToDoError
from lookalike_engine.indexing import Allowance, index
from lookalike_engine.indexing_process import NoProcessError, Progress, index_in_process
from lookalike_engine.names import dataset_id, index_folder
from lookalike_engine.plainly import plainly
from lookalike_engine.snapshot import Snapshot, current_snapshot

_LOG: Final = logging.getLogger("lookalike.engine")

A_MOMENTS_WORK: Final = Allowance(read=64, compared=5_000)
"""What costs about as much as starting a process does: 0.7 to 1 s of two cores, with the default signals."""

MOST_LOOKED_AT: Final = 20_000
"""Images; seeing that more of them have not changed takes longer than a process takes to start."""


_LOOK_SECONDS: Final = 0.2

_TURN: Final = threading.Lock()
"""Held by the one run that has a process: several side by side would take the memory of several."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; it was cancelled where there is neither."""

    snapshot: Snapshot | None = None
    failure: str | None = None
    """What went wrong and what to do."""


def attempt(
    dataset: FolderDataset, settings: EngineSettings, images: int, progress: Progress, cancel: threading.Event
) -> Outcome:
    """Index `dataset`, which had so many `images` when it was last indexed. Raises nothing: a failure is logged."""
    try:
        return Outcome(_bring_up_to_date(dataset, settings, images, progress, cancel))
    except IndexingCancelledError:
        return Outcome()
    except EngineError as error:
        failure = str(error)
    except (OSError, MemoryError) as error:
        failure = plainly(error, settings.cache_dir)
    except Exception as error:  # noqa: BLE001 - a failed run is a state of the dataset, never the end of the server
        _LOG.exception("dataset %r could not be indexed", dataset.name)
        return Outcome(failure=f"the engine failed ({type(error).__name__}); the log says where")
    _LOG.error("dataset %r could not be indexed: %s", dataset.name, failure)
    return Outcome(failure=failure)


def _bring_up_to_date(
    dataset: FolderDataset, settings: EngineSettings, images: int, progress: Progress, cancel: threading.Event
) -> Snapshot:
    if not settings.background:
        return index(dataset, settings, progress=progress, cancel=cancel).snapshot
    if images <= MOST_LOOKED_AT:
        try:
            return index(dataset, settings, progress=progress, cancel=cancel, allowance=A_MOMENTS_WORK).snapshot
        except TooMuchToDoError:
            pass
    while not _TURN.acquire(timeout=_LOOK_SECONDS):
        if cancel.is_set():
            raise IndexingCancelledError
        progress("queued", 0, None)
    try:
        index_in_process(dataset, settings, progress, cancel)
    except NoProcessError as error:
        _LOG.warning("%s: %r is indexed by the server itself, which answers more slowly meanwhile", error, dataset.name)
        return index(dataset, settings, progress=progress, cancel=cancel).snapshot
    finally:
        _TURN.release()
    folders = [folder.resolve() for folder in dataset.folders]
    snapshot = current_snapshot(index_folder(settings.cache_dir, dataset_id(dataset.name, folders), settings.signals))
    if snapshot is None:
        raise SnapshotError("the cache was emptied while the index was being written; ask again")
    return snapshot
