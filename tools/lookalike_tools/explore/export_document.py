"""The JSON document of an export as a stream: its images one after another, in bounded memory."""

import threading
from collections.abc import Iterator
from typing import IO, Any

from lookalike_tools.explore.exported_images import Gathering

_LARGEST_ITEM = 4 << 20
_MOST_BRACKETS = 10_000
"""The parser keeps a path for every level: deeper nesting would turn into gigabytes."""
_CHUNK = 16 << 10


class Stopped(Exception):  # noqa: N818  (no error: the reader was asked to)
    """Nobody waits for the export any more."""


class Refused(Exception):  # noqa: N818  (what is wrong with the file, to follow "the file … ")
    """Why the file is not read."""


class Metered:
    """A document that is read until `stop` is set, and while no image takes more than 4 MiB or 10,000 brackets."""

    def __init__(self, document: IO[bytes], stop: threading.Event) -> None:
        self._document = document
        self._stop = stop
        self.rewind()

    def rewind(self) -> None:
        """Start at the beginning."""
        self._document.seek(0)
        self._size = self._brackets = 0
        self._last_size = self._last_brackets = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises `Stopped` or `Refused`."""
        if self._stop.is_set():
            raise Stopped
        chunk = self._document.read(size)
        self._last_size, self._last_brackets = len(chunk), chunk.count(b"[") + chunk.count(b"{")
        self._size += self._last_size
        self._brackets += self._last_brackets
        if self._size > _LARGEST_ITEM or self._brackets > _MOST_BRACKETS:
            raise Refused("is not a list of images, or has one that is larger or more deeply nested than any real one")
        return chunk

    def item_done(self) -> None:
        """Count anew, from the chunk that the image ended in."""
        self._size, self._brackets = self._last_size, self._last_brackets


def media_items(document: Metered, gathering: Gathering) -> Iterator[Any]:
    """The entries of `media_items`; the number that is announced before them is put into `gathering`.

    Raises `Refused` where there is no such list, and ijson's errors.
    """
    import ijson  # noqa: PLC0415  (few questions need an export)

    for prefix, event, value in ijson.parse(document, use_float=True, buf_size=_CHUNK):
        if (prefix, event) == ("media_items", "start_array"):
            break
        if (prefix, event) == ("info.total_media_items", "number"):
            gathering.announced = int(value)
    else:
        raise Refused("lists no images")
    document.rewind()
    for item in ijson.items(document, "media_items.item", use_float=True, buf_size=_CHUNK):
        document.item_done()
        yield item
