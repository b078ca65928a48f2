"""What can be said of the folders of a source, and of the cache folder, without indexing anything."""

import os
from dataclasses import replace
from pathlib import Path

from lookalike_engine import EngineError
from lookalike_server.connections import engine_of
from lookalike_server.folders import FolderError, parse_folders
from lookalike_server.settings import Settings
from lookalike_server.sources import FolderSource
from lookalike_tools.untrusted import quoted


def describe_folders(settings: Settings, source: FolderSource) -> list[tuple[str, bool]]:
    """What there is to say of each folder, and whether it tells of a failure."""
    lines: list[tuple[str, bool]] = []
    for argument in source.folders:
        try:
            engine_of(settings, replace(source, folders=(argument,)))
        except (FolderError, EngineError) as error:
            lines.append((str(error), True))
            continue
        lines += [_described(folder) for each in parse_folders([argument], source.base) for folder in each.folders]
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
