"""Indexes in a process of its own, so that whoever answers questions stays awake meanwhile.

A process and not a thread: decoding, hashing and comparing would hold the interpreter, and a picture that crashes a
decoder, or a machine short of memory, ends that process and not the server.
"""

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final

from lookalike_engine import messages
from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import EngineError, IndexingCancelledError
from lookalike_engine.indexing_child import LINGER_SECONDS

_LOG: Final = logging.getLogger("lookalike.engine")

_PROGRAM: Final = ("-P", "-m", "lookalike_engine.indexing_child")
"""With -P nothing is imported from the folder that the server happens to have been started in."""

_WINDOWS_FLAGS: Final[int] = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) | getattr(
    subprocess, "CREATE_NO_WINDOW", 0
)

_LOOK_SECONDS: Final = 0.1

_WHY_AND_WHAT_TO_DO: Final = (
    "memory may have run out, or a picture crashes its decoder (see the log); close other programs, then ask again"
)

Progress = Callable[[str, int, int | None], None]


class NoProcessError(EngineError):
    """No process can be started here."""


def index_in_process(
    dataset: FolderDataset, settings: EngineSettings, progress: Progress, cancel: threading.Event
) -> None:
    """Bring an index up to date in another process, at low priority; `indexing.index` says what that is.

    A process that dies is followed by another one, which goes on where it was, until two have died without a finished
    batch between them. `cancel` ends it within a moment.
    Raises `IndexingCancelledError`, `NoProcessError`, and `EngineError` with what to tell the user.
    """
    saved = None
    while True:
        process = _Process(dataset, settings, progress, cancel)
        if process.run():
            return
        if process.saved == saved:
            what = f"the process that indexes {_how(process.code)}, twice at one place"
            raise EngineError(f"{what}: {_WHY_AND_WHAT_TO_DO}")
        saved = process.saved
        _LOG.warning("the process that indexes %r %s; another one goes on", dataset.name, _how(process.code))


@dataclass(slots=True)
class _Process:
    dataset: FolderDataset
    settings: EngineSettings
    progress: Progress
    cancel: threading.Event
    saved: int = -1
    """How many fingerprints earlier runs had left, as soon as that is known."""
    code: int = 0

    def run(self) -> bool:
        """Start the process and follow it; return whether it finished, False where it died."""
        with _started() as process:
            assert process.stdin is not None  # noqa: S101 - pipes were asked for
            assert process.stdout is not None  # noqa: S101
            lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
            reading = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
            reading.start()
            try:
                outcome = self._follow(process, process.stdin, lines)
            finally:
                self.code = _end(process)
                reading.join(LINGER_SECONDS)
        if self.cancel.is_set() and outcome != [messages.DONE]:
            raise IndexingCancelledError
        return outcome is not None and _judged(outcome)

    def _follow(
        self, process: subprocess.Popen[bytes], stdin: IO[bytes], lines: "queue.SimpleQueue[bytes | None]"
    ) -> list[str] | None:
        """Pass on what the process says until it has said its outcome; None where it ended without."""
        try:
            stdin.write(messages.order(self.dataset, self.settings, _LOG.getEffectiveLevel()))
            stdin.flush()
        except OSError:  # it has died
            return None
        while not self.cancel.is_set():
            try:
                text = lines.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if text is None:
                return None
            match messages.read_line(text):
                case ("progress", [str(stage), int(done), int() | None as total]):
                    if stage == "decoding" and self.saved < 0:
                        self.saved = done
                    self.progress(stage, done, total)
                case ("log", [str(name), int(level), str(said)]):
                    logging.getLogger(name).log(level, "%s", said)
                case ("outcome", [*said]):
                    return [str(each) for each in said]
                case _:
                    _LOG.debug("process %d said something that is no message", process.pid)
        return None


def _started() -> subprocess.Popen[bytes]:
    if not sys.executable or getattr(sys, "frozen", False):
        raise NoProcessError("this program is no interpreter that could run another one")
    try:
        os.fstat(2)
        stderr = None
    except OSError:  # a server without a log
        stderr = subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, and a module of this package
            [sys.executable, *_PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            creationflags=_WINDOWS_FLAGS,
        )
    except OSError as error:
        raise NoProcessError(f"no other process can be started ({error.strerror})") from error


def _read(stdout: IO[bytes], lines: "queue.SimpleQueue[bytes | None]") -> None:
    for text in stdout:
        lines.put(text)
    lines.put(None)


def _end(process: subprocess.Popen[bytes]) -> int:
    """Tell the process to stop, make it stop if it does not, and return its exit code."""
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with suppress(OSError):
        process.stdin.close()
    try:
        return process.wait(LINGER_SECONDS + 1)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _judged(outcome: list[str]) -> bool:
    match outcome:
        case [messages.DONE]:
            return True
        case [messages.FAILED, said]:
            raise EngineError(said)
        case [messages.BROKEN, what]:
            raise EngineError(f"the engine failed ({what}); the log says where")
        case _:
            raise IndexingCancelledError


def _how(code: int) -> str:
    if code >= 0:
        return f"ended early (exit code {code})"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
