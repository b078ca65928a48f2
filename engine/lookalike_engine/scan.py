"""Walks the folders of a dataset: which files there are, which are other names of one file, what was left out.

Nothing is opened here. Files with a hidden name take part like any other: a picture is no less a copy for a dot.
Hidden folders (a leading dot) and folders in which systems keep thumbnails or deleted files are not entered; each is
one skipped entry. Symbolic links are never followed out of the dataset.
"""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lookalike_engine.errors import EngineError, SkipReason

_SYSTEM_FOLDERS = frozenset(
    {"@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found", "__macosx"}
)

_LAST_NS = 2**63 - 1
"""File systems hold later times, and files come with made-up ones; indexes hold 64 bits."""

Identity = tuple[int, int]
"""Device and inode: two paths with the same identity name one file."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file. `path` is relative to the dataset's root, `/`-separated, surrogate-escaped."""

    path: str
    absolute: str
    size: int
    """Bytes."""
    mtime_ns: int
    """As `modified_ns` gives it."""
    identity: Identity
    ctime_ns: int = 0
    """When the system last saw the file change: unlike `mtime_ns`, no program can set it back."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is not one of the dataset's images."""

    path: str
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name (a hard link, or a symbolic link) of the file or folder at `target`."""

    path: str
    target: str


@dataclass(slots=True)
class Scan:
    """Everything found, each list sorted by path."""

    files: list[FoundFile] = field(default_factory=list[FoundFile])
    aliases: list[Alias] = field(default_factory=list[Alias])
    skipped: list[Skipped] = field(default_factory=list[Skipped])


@dataclass(slots=True)
class _Walk:
    """What is known half-way: links are judged at the end, when all files are known."""

    files: list[FoundFile] = field(default_factory=list[FoundFile])
    links: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    folders: dict[Identity, str] = field(default_factory=dict[Identity, str])
    aliases: list[Alias] = field(default_factory=list[Alias])
    skipped: list[Skipped] = field(default_factory=list[Skipped])


def scan(folders: Sequence[Path], stop: Callable[[], None], found: Callable[[int], None]) -> Scan:
    """Walk the resolved `folders` of one dataset.

    `stop` is called for every folder entered and raises to end the walk; `found` is told the number of files so far.
    A dataset of one folder has paths relative to it; one of several has a first-level folder for each (`prefixes`).
    Raises `EngineError` when one of the folders themselves cannot be read.
    """
    walk = _Walk()
    for root, prefix in zip(folders, prefixes(folders), strict=True):
        if not os.access(root, os.R_OK | os.X_OK) or not root.is_dir():
            raise EngineError(f"{os.fspath(root)!r} is not a readable folder any more; put it back or stop serving it")
        pending = [(os.fspath(root), prefix)]
        while pending:
            stop()
            pending += _enter(*pending.pop(), walk)
            found(len(walk.files))
    return _settle(walk)


def modified_ns(status: os.stat_result) -> int:
    """Return when a file was last modified, ns since 1970; times outside the years 1678 to 2262 count as those ends."""
    return max(-_LAST_NS, min(status.st_mtime_ns, _LAST_NS))


def prefixes(folders: Sequence[Path]) -> list[str]:
    """Return what the paths of each folder start with: nothing for one folder, else its last part.

    Folders that end alike get as many of the parts before as tell them apart; the others keep their short names.
    """
    if len(folders) == 1:
        return [""]
    lengths = [1] * len(folders)
    while True:
        names = [
            " - ".join(part.strip(os.sep) for part in folder.parts[-length:])
            for folder, length in zip(folders, lengths, strict=True)
        ]
        alike = [at for at, name in enumerate(names) if names.count(name) > 1]
        if not alike:
            return [f"{name}/" for name in names]
        if all(lengths[at] >= len(folders[at].parts) for at in alike):
            raise EngineError("a dataset names the same folder twice; name each of its folders once")
        for at in alike:
            lengths[at] += 1


def _enter(absolute: str, prefix: str, walk: _Walk) -> list[tuple[str, str]]:
    """Read one folder into `walk` and return the folders in it that are to be entered."""
    try:
        status = Path(absolute).stat()
        with os.scandir(absolute) as listing:
            entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
    except OSError:
        walk.skipped.append(Skipped(prefix.rstrip("/"), SkipReason.UNREADABLE_FOLDER))
        return []
    first = walk.folders.setdefault((status.st_dev, status.st_ino), prefix)
    if first != prefix:  # the same folder again, through a bind mount or a second served folder
        walk.aliases.append(Alias(prefix.rstrip("/"), first.rstrip("/")))
        return []
    deeper: list[tuple[str, str]] = []
    for entry in entries:
        path = prefix + entry.name
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            walk.skipped.append(Skipped(path, SkipReason.VANISHED))
            continue
        if stat.S_ISLNK(status.st_mode):
            walk.links.append((path, entry.path))
        elif stat.S_ISDIR(status.st_mode):
            if _is_hidden_folder(entry.name):
                walk.skipped.append(Skipped(path, SkipReason.HIDDEN_FOLDER))
            else:
                deeper.append((entry.path, f"{path}/"))
        elif stat.S_ISREG(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            walk.files.append(
                FoundFile(path, entry.path, status.st_size, modified_ns(status), identity, status.st_ctime_ns)
            )
        else:
            walk.skipped.append(Skipped(path, SkipReason.SPECIAL_FILE))
    return deeper


def _is_hidden_folder(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def _settle(walk: _Walk) -> Scan:
    """Tell files from their other names, whatever the order in which the folders were walked."""
    result = Scan(aliases=walk.aliases, skipped=walk.skipped)
    first_names: dict[Identity, str] = {}
    for file in sorted(walk.files, key=lambda file: os.fsencode(file.path)):
        if file.identity[1] == 0:  # a file system that numbers no files: nothing to tell hard links by
            result.files.append(file)
            continue
        first = first_names.setdefault(file.identity, file.path)
        if first == file.path:
            result.files.append(file)
        else:
            result.aliases.append(Alias(file.path, first))
    for path, absolute in walk.links:
        outcome = _follow(path, absolute, first_names, walk.folders)
        if isinstance(outcome, Alias):
            result.aliases.append(outcome)
        else:
            result.skipped.append(outcome)
    result.aliases.sort(key=lambda alias: os.fsencode(alias.path))
    result.skipped.sort(key=lambda skipped: os.fsencode(skipped.path))
    return result


def _follow(path: str, absolute: str, files: dict[Identity, str], folders: dict[Identity, str]) -> Alias | Skipped:
    """Judge a symbolic link by what it leads to, without opening that."""
    try:
        status = Path(absolute).stat()
    except OSError:
        return Skipped(path, SkipReason.BROKEN_LINK)
    identity = (status.st_dev, status.st_ino)
    known = folders if stat.S_ISDIR(status.st_mode) else files
    if identity in known:
        return Alias(path, known[identity].rstrip("/"))
    if stat.S_ISDIR(status.st_mode):
        return Skipped(path, SkipReason.LINKED_FOLDER)
    return Skipped(path, SkipReason.LINK_UNCOUNTED)
