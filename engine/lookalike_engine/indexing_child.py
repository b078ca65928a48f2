"""The indexing process: `python -P -m lookalike_engine.indexing_child`, started by `indexing_process` alone.

It lets everything else go first, and ends when stdin does: also when the process that started it is killed.
"""

import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import IO, Final

from lookalike_engine import messages
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import EngineError, IndexingCancelledError
from lookalike_engine.plainly import plainly

NICENESS: Final = 10

LINGER_SECONDS: Final = 2.0
"""How long a run that was told to stop may take to do so."""

_BETWEEN_REPORTS: Final = 0.1


def main() -> None:
    """Run the order on stdin, report on stdout."""
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    out = _stdout_for_messages_alone()
    # Unbuffered, so that the order's line takes nothing of what the watching thread waits for.
    orders = os.fdopen(0, "rb", buffering=0, closefd=False)
    dataset, settings, log_level = messages.read_order(orders.readline())
    reporter = Reporter(out)
    logging.basicConfig(level=log_level, handlers=[_ToParent(reporter)], force=True)
    cancel = threading.Event()
    threading.Thread(target=_stop_at_end, args=(orders, cancel), daemon=True).start()
    reporter.say("outcome", *_outcome(dataset, settings, reporter, cancel))


class Reporter:
    """Writes messages, one at a time, and progress no more often than anyone reads it."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._stage = ""
        self._due = 0.0

    def say(self, kind: messages.Kind, *said: object) -> None:
        """Write one message. Where nobody reads any more, the end of the order stops the run."""
        with self._lock, suppress(OSError):
            self._out.write(messages.line([kind, *said]))
            self._out.flush()

    def progress(self, stage: str, done: int, total: int | None) -> None:
        """Report how far the run has come: each stage's beginning and end, and ten times a second between."""
        now = time.monotonic()
        if stage != self._stage or done == total or now >= self._due:
            self._stage, self._due = stage, now + _BETWEEN_REPORTS
            self.say("progress", stage, done, total)


class _ToParent(logging.Handler):
    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.say("log", record.name, record.levelno, self.format(record))


def _outcome(
    dataset: FolderDataset, settings: EngineSettings, reporter: Reporter, cancel: threading.Event
) -> tuple[str, ...]:
    try:
        from lookalike_engine.indexing import index  # noqa: PLC0415 - what fails to load is told as any other failure

        index(dataset, settings, progress=reporter.progress, cancel=cancel)
    except IndexingCancelledError:
        return (messages.CANCELLED,)
    except EngineError as error:
        return messages.FAILED, str(error)
    except (OSError, MemoryError) as error:
        return messages.FAILED, plainly(error, settings.cache_dir)
    except Exception as error:
        logging.getLogger("lookalike.engine").exception("indexing %r failed", dataset.name)
        return messages.BROKEN, type(error).__name__
    return (messages.DONE,)


def _stdout_for_messages_alone() -> IO[bytes]:
    """Return what was stdout; what libraries print from now on goes to stderr."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out


def _stop_at_end(orders: IO[bytes], cancel: threading.Event) -> None:
    with suppress(OSError):
        while orders.read(1):
            pass
    cancel.set()
    time.sleep(LINGER_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
