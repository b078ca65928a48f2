"""Turn the FOLDER arguments of the command line, or the folders of a source, into datasets."""

import os
from collections.abc import Sequence
from pathlib import Path

from lookalike_engine import FolderDataset


class FolderError(Exception):
    """A FOLDER argument that cannot be served. The text says which and what to do."""


def parse_folders(arguments: Sequence[str], base: Path | None = None) -> tuple[FolderDataset, ...]:
    """One dataset for each argument: ``DIR``, ``NAME=DIR`` or ``NAME=DIR1,DIR2``, relative to ``base`` (here if None).

    A plain folder is named after its last part. An argument that is an existing folder is taken as it is, so that a
    folder whose name has ``=`` or ``,`` in it can still be served.

    Raises:
        FolderError: a folder that does not exist, or a name that is empty.
    """
    return tuple(_parse(argument, base or Path()) for argument in arguments)


def _parse(argument: str, base: Path) -> FolderDataset:
    whole = _folder(argument, base)
    if whole is not None:
        return FolderDataset(name=whole.name or "root", folders=(whole,))
    name, separator, rest = argument.partition("=")
    if not separator:
        raise FolderError(f"{argument!r} is not a folder. Give the path of an existing folder, or NAME=DIR1,DIR2.")
    if not name:
        raise FolderError(f"{argument!r} has no name before '='. Write NAME=DIR1,DIR2.")
    if "/" in name:
        raise FolderError(f"the dataset name {name!r} has a '/' in it. Give a plain name, as in NAME=DIR1,DIR2.")
    return FolderDataset(name=name, folders=tuple(_existing(part, argument, base) for part in rest.split(",")))


def _existing(part: str, argument: str, base: Path) -> Path:
    folder = _folder(part, base)
    if folder is None:
        raise FolderError(f"{part!r} in {argument!r} is not a folder. Give the path of an existing folder.")
    return folder


def _folder(text: str, base: Path) -> Path | None:
    # os.path, because pathlib raises for an unknown "~name", a name too long, and a folder that may not be looked into.
    path = os.path.join(base, os.path.expanduser(text))  # noqa: PTH111, PTH118 — see above
    return Path(path).resolve() if text and os.path.isdir(path) else None  # noqa: PTH112 — see above
