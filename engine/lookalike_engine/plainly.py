"""What the operating system refused an indexing run, in words that say what to do."""

import errno
import os
from pathlib import Path
from typing import Final

_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG})
_FORBIDDEN: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_TOO_MANY_OPEN: Final = frozenset({errno.EMFILE, errno.ENFILE})
_NAMED_BY_LIBRARIES: Final = (*sorted(_FULL), *sorted(_FORBIDDEN), *sorted(_TOO_MANY_OPEN))


def plainly(error: OSError | MemoryError, cache_dir: Path) -> str:
    """Say what a run that failed with `error` could not do in the cache, and what would help."""
    if isinstance(error, MemoryError):
        return "the memory ran out while indexing; close other programs, then ask again"
    if error.errno in _TOO_MANY_OPEN:
        return f"too many files are open ({error.strerror}); raise that limit or close other programs, then ask again"
    where = f"the index in {cache_dir} could not be written"
    if error.errno in _FORBIDDEN:
        return f"{where} ({error.strerror}); let this user write there or choose another cache folder"
    # NumPy leaves out the number of the error where a write stopped half-way.
    why = error.strerror or "not all of it was taken, as by a full disk"
    return f"{where} ({why}); make room there or choose another cache folder"


def as_os_error(text: str, path: Path) -> OSError:
    """Turn what a library says of a file that it could not write back into the system's own error."""
    number = next((each for each in _NAMED_BY_LIBRARIES if os.strerror(each) in text), errno.EIO)
    return OSError(number, os.strerror(number), os.fspath(path))
