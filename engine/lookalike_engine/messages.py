"""What the indexing process and the one that started it say to each other: lines of JSON.

The order, one line, goes in on stdin, which then stays open: its end means stop. Lines of three kinds come back, the
last one an outcome. All is ASCII, so that any file name passes, one that is no UTF-8 too.
"""

import json
import os
from pathlib import Path
from typing import Any, Final, Literal

from lookalike_engine.dataset import EngineSettings, FolderDataset

Kind = Literal["progress", "log", "outcome"]
KINDS: Final = frozenset({"progress", "log", "outcome"})

DONE: Final = "done"
CANCELLED: Final = "cancelled"
FAILED: Final = "failed"
"""With what to tell the user: the run found that it cannot go on."""
BROKEN: Final = "broken"
"""With the type of what was raised and not foreseen, which is in the log."""


def order(dataset: FolderDataset, settings: EngineSettings, log_level: int) -> bytes:
    """Return the line that says what to index, and from which level on to report log lines."""
    values = {name: getattr(settings, name) for name in EngineSettings.__dataclass_fields__}
    return line(
        {
            "name": dataset.name,
            "folders": [os.fspath(folder) for folder in dataset.folders],
            "settings": values | {"cache_dir": os.fspath(settings.cache_dir)},
            "log_level": log_level,
        }
    )


def read_order(text: bytes) -> tuple[FolderDataset, EngineSettings, int]:
    """Return what `order` was made of."""
    given = json.loads(text)
    settings = given["settings"] | {"cache_dir": Path(given["settings"]["cache_dir"])}
    folders = tuple(Path(folder) for folder in given["folders"])
    return FolderDataset(given["name"], folders), EngineSettings(**settings), given["log_level"]


def line(message: Any) -> bytes:
    """Return a message as one line."""
    return json.dumps(message).encode("ascii") + b"\n"


def read_line(text: bytes) -> tuple[Kind, list[Any]] | None:
    """Return the kind of a message and what it says; None for a line that is none, such as one that was cut off."""
    try:
        kind, *said = json.loads(text)
    except (ValueError, TypeError):
        return None
    return (kind, said) if kind in KINDS else None
