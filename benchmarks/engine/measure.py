"""One program from its start to its end: seconds, and the most memory that it and its children held together."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import Final

BETWEEN_LOOKS: Final = 0.2
"""Seconds between two looks at the memory; a shorter peak is missed."""
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run took."""

    seconds: float
    peak_bytes: int | None
    """Proportional set size of the process tree: shared pages count once. None where the system does not tell."""
    failure: str | None
    """Why there is no answer; None where it ended well."""


def measured(command: Sequence[str], environment: Mapping[str, str], limit: float) -> Measured:
    """Run `command`; after `limit` seconds it and its children are ended."""
    with TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        memory = _Memory(process.pid)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        seconds = time.perf_counter() - started
        peak = memory.ended()
        if code is None:
            memory.end_tree()
            process.wait()
            return Measured(seconds, peak, f"no answer after {limit:.0f} s")
        if code == 0:
            return Measured(seconds, peak, None)
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
        return Measured(seconds, peak, f"ended with {code}: {lines[-1].strip() if lines else 'it said nothing'}")


class _Memory:
    """Looks at a process tree from a thread until told to end."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._peak = 0
        self._over = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def ended(self) -> int | None:
        """Stop looking; the largest sum seen."""
        self._over.set()
        self._thread.join()
        return self._peak or None

    def end_tree(self) -> None:
        """End every process of the tree."""
        for pid in _tree(self._root):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue

    def _watch(self) -> None:
        while not self._over.wait(BETWEEN_LOOKS):
            self._peak = max(self._peak, sum(_pss(pid) for pid in _tree(self._root)))


def _tree(root: int) -> list[int]:
    """The process and all below it, those of its session that lost their parent among them."""
    parents: dict[int, int] = {}
    found = {root}
    for entry in _PROC.glob("[0-9]*"):
        try:
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(after_name[1])
        if int(after_name[3]) == root:
            found.add(int(entry.name))
    while below := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= below
    return sorted(found)


def _pss(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
