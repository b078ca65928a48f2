"""The page cursor: opaque to the caller, stateless here.

It carries digests of the dataset, the query and the dataset's state, and the place to go on from.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import StringConstraints

from lookalike_tools.errors import RefusedCursor

Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]

_FIRST_PAGE = "Ask again without a cursor to start at the first page"
_PARTS = 4


def digest(*parts: object) -> str:
    """Eight hex digits for `parts`, by their JSON form."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Place:
    """What a cursor must fit: digests of the dataset, of the query, and of the state the dataset is in."""

    dataset: str
    query: str
    state: str

    def at(self, cursor: str | None) -> "Position":
        """The page of `cursor`, the first one without. Raises `RefusedCursor` if it is not of this place."""
        if cursor is None:
            return Position(self, 0)
        dataset, query, offset, state = _parts(cursor)
        if dataset != self.dataset:
            raise RefusedCursor("This cursor belongs to another dataset", f"Name that dataset. {_FIRST_PAGE}")
        if query != self.query:
            raise RefusedCursor(
                "This cursor belongs to another question",
                f"Repeat the arguments it came with. {_FIRST_PAGE}",
            )
        if state != self.state:
            raise RefusedCursor("The dataset has changed since this cursor was given", _FIRST_PAGE)
        return Position(self, offset)


@dataclass(frozen=True)
class Position:
    """The start of a page: `offset` rows into the list of `place`."""

    place: Place
    offset: int

    def refuse_past_end(self, rows: int) -> None:
        """Raises `RefusedCursor` where a page after the first has no `rows`: its cursor promised some."""
        if self.offset and not rows:
            raise RefusedCursor("The dataset has changed since this cursor was given", _FIRST_PAGE)

    def after(self, shown: int) -> str:
        """The cursor for the page that follows `shown` rows of this one."""
        place = self.place
        parts = [place.dataset, place.query, self.offset + shown, place.state]
        return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _parts(cursor: str) -> tuple[str, str, int, str]:
    garbled = RefusedCursor("This cursor cannot be read", f"Copy next_cursor whole. {_FIRST_PAGE}")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        raise garbled from None
    if not isinstance(parts, list) or len(parts) != _PARTS:
        raise garbled
    dataset, query, offset, state = parts
    if type(offset) is not int or offset < 0 or not all(isinstance(part, str) for part in (dataset, query, state)):
        raise garbled
    return dataset, query, offset, state
