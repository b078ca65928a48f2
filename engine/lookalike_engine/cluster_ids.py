"""The ids of clusters: UUIDs of who is in them, as rows of sixteen bytes, since a dataset may have a million clusters.

Rows compare, byte by byte, as the texts of the UUIDs do.
"""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NAMESPACE: Final = uuid.UUID("0b8d5f86-64c1-5c0e-8a4b-5b2f2f6f6c1e")
_UUID_BYTES: Final = 16
_VERSION: Final = 0x50
"""Five: named after the SHA-1 of something."""
_VARIANT: Final = 0x80
_HEX: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_UUID_CHARACTERS: Final = 36
_DIGITS: Final = [at for at, character in enumerate(str(_NAMESPACE)) if character != "-"]
"""Where a UUID's text has its digits."""
_SHORTEST_ID: Final = 8
"""Characters."""


def uuid_rows(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return UUIDs (c,) in their canonical form as rows (c, 16)."""
    digits = "".join(texts).replace("-", "")
    return np.frombuffer(bytes.fromhex(digits), dtype=np.uint8).reshape(len(texts), _UUID_BYTES)


def uuid_texts(rows: NDArray[np.uint8]) -> list[str]:
    """Return rows (c, 16) as UUIDs in their canonical form."""
    return [text.decode() for text in _ascii(rows)]


def cluster_ids(
    media_ids: NDArray[np.uint8], starts: NDArray[np.integer], sizes: NDArray[np.integer]
) -> NDArray[np.uint8]:
    r"""Return the ids (c, 16) of clusters of images: UUIDv5 of the members' sorted ids, joined by "\n".

    The ids of a cluster's members are the rows `start` to `start + size` - 1 of `media_ids` (m, 16).
    """
    by_id = in_order(media_ids)
    rank = np.empty(len(by_id), dtype=np.int32)
    rank[by_id] = np.arange(len(by_id), dtype=np.int32)
    texts = _ascii(media_ids[by_id])
    seed = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)  # as UUIDv5 has it
    digests = bytearray()
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        digest = seed.copy()
        digest.update(b"\n".join([texts[each] for each in np.sort(rank[start : start + size]).tolist()]))
        digests += digest.digest()[:_UUID_BYTES]
    ids = np.frombuffer(bytes(digests), dtype=np.uint8).reshape(len(starts), _UUID_BYTES).copy()
    ids[:, 6] = ids[:, 6] & 0x0F | _VERSION
    ids[:, 8] = ids[:, 8] & 0x3F | _VARIANT
    return ids


def in_order(ids: NDArray[np.uint8], *key: NDArray[np.number]) -> NDArray[np.int64]:
    """Return the places (c,) of ids (c, 16) by a key (c,), lowest first, if there is one, and equals by their texts."""
    halves = _halves(ids)
    return np.lexsort((halves[:, 1], halves[:, 0], *key))


def place_of(ids: NDArray[np.uint8], wanted: str) -> int | None:
    """Return which of the ids (c, 16) this text is; None where it is none of them, or no UUID in canonical form."""
    try:
        canonical = str(uuid.UUID(wanted))
    except ValueError:
        return None
    if canonical != wanted:
        return None
    row = uuid_rows([canonical])
    places = np.flatnonzero((_halves(ids) == _halves(row)).all(axis=1))
    return int(places[0]) if len(places) else None


def short_lengths(ids: NDArray[np.uint8], order: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return how many characters of each id's text (c,), from the eighth on, no other one shares up to there.

    `order` is what `in_order` returns of the ids.
    """
    lengths = np.full(len(ids), _SHORTEST_ID, dtype=np.uint8)
    begin = np.ascontiguousarray(ids[order, : _SHORTEST_ID // 2]).view(">u4").reshape(-1)
    for place in np.flatnonzero(begin[1:] == begin[:-1]).tolist():  # few: one pair in four thousand million
        both = order[place : place + 2]
        one, other = uuid_texts(ids[both])
        differ = next(at for at, (a, b) in enumerate(zip(one, other, strict=True), 1) if a != b)
        lengths[both] = np.maximum(lengths[both], differ)
    return lengths


def _halves(ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(ids).view(">u8").astype(np.uint64).reshape(-1, 2)


def _ascii(rows: NDArray[np.uint8]) -> list[bytes]:
    characters = np.full((len(rows), _UUID_CHARACTERS), ord("-"), dtype=np.uint8)
    characters[:, _DIGITS[0::2]] = _HEX[rows >> 4]
    characters[:, _DIGITS[1::2]] = _HEX[rows & 0x0F]
    texts: list[bytes] = characters.view(f"S{_UUID_CHARACTERS}").reshape(-1).tolist()
    return texts
