"""What can go wrong in the engine, and the plain words for why a file is no image of a dataset."""

from enum import StrEnum


class EngineError(Exception):
    """The engine cannot do what it was asked; the message says what happened and what to do about it."""


class IndexingCancelledError(EngineError):
    """An indexing run was told to stop; what it had finished is kept for the next one."""

    def __init__(self) -> None:
        super().__init__("indexing was cancelled; it resumes where it stopped when the dataset is asked for again")


class TooMuchToDoError(EngineError):
    """A run found more to do than it was allowed; what it had finished is kept for the run that may do all of it."""

    def __init__(self) -> None:
        super().__init__("there is more to index than this run may do")


class SnapshotError(EngineError):
    """A published snapshot is not to be trusted: its schema is unknown, or its files are not what was written."""


class SkipReason(StrEnum):
    """Why something in a picture folder is not one of its images."""

    NOT_AN_IMAGE = "not an image"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too large"
    UNSUPPORTED = "unsupported format"
    UNREADABLE = "unreadable"
    VANISHED = "vanished while being read"
    CHANGED = "changed while being read"
    SPECIAL_FILE = "special file"
    HIDDEN_FOLDER = "hidden folder"
    UNREADABLE_FOLDER = "unreadable folder"
    LINKED_FOLDER = "symlinked folder"
    LINK_UNCOUNTED = "link to a file that is not counted"
    BROKEN_LINK = "broken link"

    @property
    def lasting(self) -> bool:
        """Whether the same bytes would be skipped for the same reason again, so that they need not be read again."""
        return self in _LASTING


_LASTING = frozenset(
    {
        SkipReason.NOT_AN_IMAGE,
        SkipReason.EMPTY,
        SkipReason.TRUNCATED,
        SkipReason.DAMAGED,
        SkipReason.UNSUPPORTED,
    }
)


class SkippedError(Exception):
    """A file cannot take part; `reason` says why in one of the plain words."""

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
