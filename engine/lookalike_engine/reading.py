"""Reads one file of the picture folder, whole, and nothing but a regular file."""

import os
import stat

from lookalike_engine.errors import SkippedError, SkipReason
from lookalike_engine.formats import HEAD_BYTES, sniff
from lookalike_engine.scan import FoundFile, modified_ns

_CHUNK = 1 << 20


def read_image(file: FoundFile, max_bytes: int) -> tuple[bytes, str]:
    """Return the bytes of an image file and its format as `formats.sniff` names it.

    Raises `SkippedError` when the file is no image, is larger than `max_bytes`, cannot be read, or is not the file
    that was scanned any more.
    """
    try:
        descriptor = _open(file.absolute)
    except FileNotFoundError:
        raise SkippedError(SkipReason.VANISHED) from None
    except OSError:
        raise SkippedError(SkipReason.UNREADABLE) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a folder, too, which cannot be made a stream
        os.close(descriptor)
        raise SkippedError(SkipReason.SPECIAL_FILE)
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        try:
            head = stream.read(HEAD_BYTES)
            image_format = sniff(head)
            if file.size > max_bytes:
                raise SkippedError(SkipReason.TOO_LARGE)
            data = bytearray(head)
            while len(data) <= max_bytes and (chunk := stream.read(max(_CHUNK, file.size - len(data)))):
                data += chunk
            status = os.fstat(descriptor)
        except OSError:
            raise SkippedError(SkipReason.UNREADABLE) from None
    if (status.st_size, modified_ns(status)) != (file.size, file.mtime_ns) or len(data) != file.size:
        raise SkippedError(SkipReason.CHANGED)
    return bytes(data), image_format


def _open(path: str) -> int:
    """Open for reading only; never through a link put in the file's place, never waiting for a FIFO's writer."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # only a file's owner may leave its access time alone
        return os.open(path, flags)
