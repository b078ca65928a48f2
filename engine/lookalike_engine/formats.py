"""Tells a file's format by its first bytes; names and extensions are not asked."""

from typing import Final, Literal

from lookalike_engine.errors import SkippedError, SkipReason

HEAD_BYTES: Final = 64
"""How much of a file `sniff` wants to see."""

_MAGIC: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
)

_UNSUPPORTED: Final = (
    b"8BPS",  # Photoshop
    b"\xff\x0a",  # JPEG XL
    b"\x00\x00\x00\x0cJXL \r\n\x87\n",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n",  # JPEG 2000
    b"\xffO\xffQ",
    b"\x00\x00\x01\x00\x01\x00",  # icon
    b"FUJIFILMCCD-RAW",
    b"IIRO",  # Olympus raw
    b"IIRS",
    b"IIU\x00",  # Panasonic raw
    b"gimp xcf",
    b"v/1\x01",  # OpenEXR
    b"qoif",
    b"MM\x00+",  # big-endian BigTIFF, which Pillow cannot read
)

_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIC_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_BMP_HEADER_SIZES: Final = range(12, 129)
_PNG_SIGNATURE: Final = 8
_PNG_CHUNK_FRAME: Final = 12
"""Bytes of a chunk besides its content: length, kind, checksum."""
_PNG_SHOWN: Final = frozenset({b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"})
"""Chunks that a reader may ignore, by their lower-case initial, and that decide what is seen all the same."""
_BYTE: Final = 8
_BIG_TIFF: Final = 43


def sniff(head: bytes) -> str:
    """Return the format of a file that starts with `head`: JPEG, PNG, GIF, BMP, TIFF, WEBP, HEIF or AVIF.

    Raises `SkippedError`: empty, unsupported format (an image of a kind the engine does not read) or not an image.
    """
    if not head:
        raise SkippedError(SkipReason.EMPTY)
    if head.startswith(_UNSUPPORTED) or _is_canon_raw(head) or _is_bitmap_array(head):
        raise SkippedError(SkipReason.UNSUPPORTED)
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    if head[4:8] == b"ftyp":
        return _sniff_container(head)
    raise SkippedError(SkipReason.NOT_AN_IMAGE)


def _is_canon_raw(head: bytes) -> bool:
    return head[:4] == b"II*\x00" and head[8:10] == b"CR"


def _is_bitmap_array(head: bytes) -> bool:
    """Tell OS/2's several bitmaps in one file."""
    return head[:2] == b"BA" and head[14:16] == b"BM"


def _sniff_container(head: bytes) -> str:
    """Tell HEIC and AVIF from the films and raw files that share their container."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if head[8:12] == b"crx ":
        raise SkippedError(SkipReason.UNSUPPORTED)
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIC_BRANDS:
        return "HEIF"
    raise SkippedError(SkipReason.NOT_AN_IMAGE)


def is_cut_short(data: bytes, image_format: str) -> bool:
    """Tell whether a file is shorter than its own container says; some decoders make half a picture of such a one."""
    if image_format == "WEBP":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if image_format == "TIFF":
        return _first_tiff_directory(data) >= len(data)
    return image_format in {"HEIF", "AVIF"} and _end_of_boxes(data) > len(data)


def _first_tiff_directory(data: bytes) -> int:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    at = slice(8, 16) if data[2] == _BIG_TIFF or data[3] == _BIG_TIFF else slice(4, 8)
    return int.from_bytes(data[at], order)


def _end_of_boxes(data: bytes) -> int:
    """Return where the last top-level box of an ISO container says that it ends."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 0:  # to the end of the file
            return len(data)
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        at += max(size, 8)
    return at


def png_without_notes(data: bytes) -> bytes:
    """Return a PNG with those chunks alone that what it shows depends on: damage to a remark is none to the picture."""
    kept, at = [data[:_PNG_SIGNATURE]], _PNG_SIGNATURE
    while at + _PNG_CHUNK_FRAME <= len(data):
        end = at + _PNG_CHUNK_FRAME + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if not (kind.isalpha() and kind[:1].islower()) or kind in _PNG_SHOWN:
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])


def is_deep_colour(data: bytes, image_format: str) -> bool:
    """Tell whether a colour image holds more than 8 bits per channel, of which Pillow shows 8."""
    if image_format == "PNG":
        depth, colour_type = data[24], data[25]
        return depth > _BYTE and colour_type != 0
    if image_format in {"HEIF", "AVIF"}:
        at = data.find(b"pixi", 0, 1 << 16)
        if at < 0:
            return True  # depth unknown: take no risk
        channels = data[at + 8]
        return any(bits > _BYTE for bits in data[at + 9 : at + 9 + channels])
    return False
