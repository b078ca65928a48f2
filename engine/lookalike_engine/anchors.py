"""The one picture that a question names, to be compared with a dataset: opened, if it may be, and fingerprinted.

What comes back about a file tells as little as it can of files that are none of the asker's business: whatever is no
picture, be it missing, a folder, a pipe or a text, is refused in the same words, and no byte of it is ever shown.
"""

import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.errors import SkipReason
from lookalike_engine.fingerprinting import fingerprint_batch
from lookalike_engine.fingerprints import Fingerprint
from lookalike_engine.scan import FoundFile, modified_ns


class AnchorRefusal(StrEnum):
    """Why a picture that was named cannot be compared."""

    NO_IMAGE = "no image"
    """Missing, no regular file, unreadable, or no picture."""
    NOT_SERVED = "not served"
    """Outside the served folders, where only what is inside may be named."""
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too large"
    UNSUPPORTED = "unsupported format"
    CHANGED = "changed while being read"


class AnchorError(Exception):
    """A picture that was named cannot be compared; `refusal` says why."""

    def __init__(self, refusal: AnchorRefusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


_TOLD = {
    SkipReason.TRUNCATED: AnchorRefusal.TRUNCATED,
    SkipReason.DAMAGED: AnchorRefusal.DAMAGED,
    SkipReason.TOO_LARGE: AnchorRefusal.TOO_LARGE,
    SkipReason.UNSUPPORTED: AnchorRefusal.UNSUPPORTED,
    SkipReason.CHANGED: AnchorRefusal.CHANGED,
}


def path_of_uri(uri: str) -> str | None:
    """Return the absolute path, surrogate-escaped, that a `file://` URI names; None for anything else.

    A host in it, other than localhost, is a share on another machine: opening one sends the user's credentials there.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or parts.query or parts.fragment:
        return None
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if os.name == "nt":
        path = path.removeprefix("/").replace("/", "\\")
    shares = path.startswith(("\\\\", "//"))
    return path if os.path.isabs(path) and "\0" not in path and not shares else None  # noqa: PTH117 - bytes in disguise


def read_anchor(path: str, folders: Sequence[Path], settings: EngineSettings) -> Fingerprint:
    """Return the fingerprint of the picture at an absolute path, which may be a symbolic link to it.

    `folders` are the resolved folders of the dataset; unless the settings allow any file, it must lie below one.
    Raises AnchorError.
    """
    absolute = os.path.realpath(path)
    if not (settings.checks_any_file or any(Path(absolute).is_relative_to(folder) for folder in folders)):
        raise AnchorError(AnchorRefusal.NOT_SERVED)
    try:
        status = os.lstat(absolute)
    except OSError:
        raise AnchorError(AnchorRefusal.NO_IMAGE) from None
    # Looked at before it is opened: opening a device can do something, and files made up by the system have no size.
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        raise AnchorError(AnchorRefusal.NO_IMAGE)
    name = absolute.rpartition(os.sep)[2]
    identity = (status.st_dev, status.st_ino)
    file = FoundFile(name, absolute, status.st_size, modified_ns(status), identity, status.st_ctime_ns)
    with ThreadPoolExecutor(1, thread_name_prefix="lookalike-check") as executor:
        (fingerprint,) = fingerprint_batch([file], settings, executor, _go_on, _untold)
    if fingerprint.reason is not None:
        raise AnchorError(_TOLD.get(fingerprint.reason, AnchorRefusal.NO_IMAGE))
    return fingerprint


def _go_on() -> None:
    """One picture is not worth stopping for."""


def _untold(_done: int) -> None:
    """Nor worth telling of."""
