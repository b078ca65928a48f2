"""File names as they are shown, and the ids that are made from them.

A file name is bytes. Inside the engine a path is a `str` in Python's surrogate-escaped form, which loses nothing; what
leaves the engine is its shown form.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path

from lookalike_engine.signal_names import DEFAULT_SIGNALS, SIGNAL_NAMES

_NAMESPACE = uuid.UUID("6d1a7bb0-8f0f-5a53-9f3e-0d5a4ce6d1b7")
_SURROGATE = re.compile("[\udc80-\udcff]")


def shown(path: str) -> str:
    r"""Return a path as valid Unicode: bytes that are no UTF-8 become `\xNN`."""
    return _SURROGATE.sub(lambda match: f"\\x{ord(match.group()) - 0xDC00:02x}", path)


def dataset_id(name: str, folders: Sequence[Path]) -> str:
    """Return the UUIDv5 of a dataset: the same as long as its name and its resolved folders are."""
    parts = (name, *(os.fspath(folder) for folder in folders))
    return str(uuid.uuid5(_NAMESPACE, "\0".join(_identity(part) for part in parts)))


def index_folder(cache_dir: Path, dataset: str, signals: str) -> Path:
    """Return where a dataset's index lies: each choice of signals has one of its own, so that none undoes another's."""
    if signals == DEFAULT_SIGNALS:
        return cache_dir / dataset
    described = hashlib.sha256(_identity(os.path.realpath(signals)).encode()).hexdigest()[:12]
    return cache_dir / f"{dataset}-{signals if signals in SIGNAL_NAMES else described}"


def media_id(dataset: str, path: str) -> str:
    """Return the UUIDv5 of an image: of its dataset's id and its path."""
    return str(uuid.uuid5(uuid.UUID(dataset), _identity(path)))


def first_level(path: str) -> str:
    """Return the folder below the dataset's root that a path is in; `.` for a file in the root itself."""
    head, separator, _ = path.partition("/")
    return head if separator else "."


def _identity(text: str) -> str:
    """Map a surrogate-escaped name to Unicode that no other name maps to (a name never holds NUL)."""
    return "\0" + os.fsencode(text).decode("latin-1") if _SURROGATE.search(text) else text
