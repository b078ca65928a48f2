"""What can be said of the folders of a source, and of the cache folder, without indexing anything."""

import os
from pathlib import Path

from lookalike_server.folders import FolderError, parse_folders
from lookalike_server.sources import FolderSource
from lookalike_tools.untrusted import quoted


def describe_folders(source: FolderSource) -> list[tuple[str, bool]]:
    """One line for each folder, and whether it tells of a failure."""
    lines: list[tuple[str, bool]] = []
    for argument in source.folders:
        try:
            (dataset,) = parse_folders([argument], source.base)
        except FolderError as error:
            lines.append((str(error), True))
            continue
        lines += [_described(folder) for folder in dataset.folders]
    return lines


def cache_problem(folder: Path) -> str | None:
    """Why indexes cannot be kept in ``folder``, which need not exist yet."""
    # os.path, because pathlib raises for what lies in a folder that may not be looked into.
    existing = next((path for path in (folder, *folder.absolute().parents) if os.path.exists(path)), folder)  # noqa: PTH110 — see above
    todo = "Name another with --cache-dir, or change its rights"
    if not existing.is_dir():
        return f"Indexes cannot be kept in {quoted(str(folder))}: {quoted(str(existing))} is no folder. {todo}"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"Indexes cannot be kept in {quoted(str(folder))}: {quoted(str(existing))} cannot be written. {todo}"
    return None


def _described(folder: Path) -> tuple[str, bool]:
    try:
        with os.scandir(folder) as entries:
            count = sum(1 for _ in entries)
    except OSError as error:
        return f"{quoted(str(folder))} cannot be read ({error.strerror}). Change its permissions", True
    return f"{quoted(str(folder))}: readable, {count:,} entries at its top", False
