"""The paths of ``lookalike check-image``: which of them are images, and which can be none."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from lookalike_tools import quoted


def sort_out(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The images and the FOLDERs among ``paths``: what is a folder, or has a "=" in it and is no file."""
    images: list[str] = []
    folders: list[str] = []
    for path in paths:
        is_folder = os.path.isdir(path) or ("=" in path and not os.path.lexists(path))  # noqa: PTH112 — as in folders
        (folders if is_folder else images).append(path)
    return images, folders


def unusable(path: str) -> str | None:
    """Why ``path`` can be no image, and what to do; the engine tells of the rest."""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return f"There is no file or folder {quoted(path)}. Check its spelling"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        return f"{quoted(path)} cannot be looked at ({reason}). Check its spelling and its rights"
    if not stat.S_ISREG(status.st_mode):
        return f"{quoted(path)} is no regular file. Name an image file"
    if not os.access(path, os.R_OK):
        return f"{quoted(path)} may not be read. Change its rights"
    return None


def as_argument(path: str) -> str:
    """``path`` as the tool takes it: absolute, and a ``file://`` URI where its name is not UTF-8."""
    absolute = Path(path).absolute()
    try:
        str(absolute).encode()
    except UnicodeEncodeError:
        return absolute.as_uri()
    return str(absolute)
