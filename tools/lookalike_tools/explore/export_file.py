"""Reading a downloaded export: a ZIP archive with one JSON file, or that file itself, as a stream."""

import re
import struct
import threading
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Any

from pydantic import ValidationError

from lookalike_tools.errors import BadAnswer
from lookalike_tools.explore.export_document import Metered, Refused, media_items
from lookalike_tools.explore.exported_image import exported_image
from lookalike_tools.explore.exported_images import Export, Gathering

_LARGEST = 2 << 30
_MOST_PACKED = 300
"""A ZIP of JSON shrinks by 10 to 50; by 1,000 only a bomb does."""
_RATIO_MATTERS_FROM = 64 << 20
_LARGEST_DIRECTORY = 1 << 20
_ZIP = b"PK\x03\x04"
_END_OF_ZIP = b"PK\x05\x06"
_END_OF_LARGE_ZIP = b"PK\x06\x06"
_LONGEST_END = 66_000


def parse_export(file: IO[bytes], stop: threading.Event) -> Export:
    """The export in `file`, its images one after another, so that memory holds little but what is kept.

    Raises `BadAnswer` for anything else, and `Stopped` soon after `stop` is set.
    """
    import ijson  # noqa: PLC0415  (few questions need an export)

    gathering = Gathering()
    try:
        with _document(file) as document:
            for item in media_items(Metered(document, stop), gathering):
                _take(item, gathering)
    except Refused as refused:
        raise _bad(str(refused)) from None
    except (ijson.JSONError, UnicodeError, ValueError):
        raise _bad("is no JSON, or breaks off") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, OSError):
        raise _bad("is a damaged ZIP archive, or one that cannot be read here") from None
    return gathering.export()


def _bad(why: str) -> BadAnswer:
    return BadAnswer(f"The file of the server's export {why}", "Try an export on the server's web page")


def _take(item: Any, gathering: Gathering) -> None:
    try:
        image = exported_image(item)
    except ValidationError:
        gathering.unreadable += 1
    else:
        gathering.add(image)


@contextmanager
def _document(file: IO[bytes]) -> Generator[IO[bytes]]:
    file.seek(0)
    is_archive = file.read(len(_ZIP)) == _ZIP
    file.seek(0)
    if not is_archive:
        yield file
        return
    _refuse_large_directory(file)
    with zipfile.ZipFile(file) as archive:
        members = [it for it in archive.infolist() if it.filename.lower().endswith(".json")]
        if len(members) != 1:
            raise Refused(f"holds {len(members)} JSON files, where 1 is expected")
        if members[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            # Others may ask for any amount of memory to be unpacked.
            raise Refused("is packed in an uncommon way")
        # The declared size is what zipfile reads at most.
        size, packed = members[0].file_size, members[0].compress_size
        if size > _LARGEST or (size > _RATIO_MATTERS_FROM and size > _MOST_PACKED * packed):
            raise Refused("unpacks to more than any export does")
        with archive.open(members[0]) as document:
            yield document


def _refuse_large_directory(file: IO[bytes]) -> None:
    """The whole list of members is about to be read into memory, and a hostile archive may hold millions."""
    length = file.seek(0, 2)
    file.seek(max(0, length - _LONGEST_END))
    tail = file.read()
    file.seek(0)
    # Any of these may be the one that is believed in the end.
    ends = [found.start() for found in re.finditer(re.escape(_END_OF_ZIP), tail)]
    sizes = [struct.unpack_from("<I", tail, at + 12)[0] for at in ends if at + 16 <= len(tail)]
    if not sizes:
        raise Refused("is a ZIP archive that breaks off")
    if max(sizes) > _LARGEST_DIRECTORY or _END_OF_LARGE_ZIP in tail:
        raise Refused("is a ZIP archive of more files than an export has")
