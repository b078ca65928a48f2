"""Bodies as they arrive, decoded piece by piece: a small body that unpacks to a large one is never held whole."""

import zlib
from collections.abc import Iterator

_LARGEST_PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class BodyCutShort(Exception):  # noqa: N818  (it never leaves the transport)
    """The body ends too early."""


class WrongEncoding(Exception):  # noqa: N818  (it never leaves the transport)
    """The body is not in the encoding that its header names, or in one that was not asked for."""


class Decoder:
    """Decodes a `Content-Encoding`: none, or gzip. Raises `WrongEncoding`."""

    def __init__(self, encoding: str) -> None:
        self._unpacked = encoding.strip().lower() in {"", "identity"}
        if not self._unpacked and encoding.strip().lower() not in {"gzip", "x-gzip"}:
            raise WrongEncoding
        self._stream = zlib.decompressobj(_GZIP)
        self._begun = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What `chunk` decodes to, at most 256 KiB at a time, so that the caller can stop."""
        if self._unpacked:
            yield chunk
            return
        while chunk:
            if self._stream.eof:
                # Several gzip streams in a row are one body.
                self._stream = zlib.decompressobj(_GZIP)
            self._begun = True
            try:
                piece = self._stream.decompress(chunk, _LARGEST_PIECE)
            except zlib.error:
                raise WrongEncoding from None
            yield piece
            chunk = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def finish(self) -> None:
        """The body has ended. Raises `BodyCutShort` where it should not have."""
        if self._begun and not self._stream.eof:
            raise BodyCutShort
