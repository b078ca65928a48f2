"""The eight ways a picture can be turned over: upright, three quarter turns, and their mirror images."""

from enum import IntEnum
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Relation = Literal["same", "mirrored", "rotated", "mirrored_rotated"]


class Orientation(IntEnum):
    """How a picture was turned; the value is the index of its hash in an array of eight."""

    UPRIGHT = 0
    TURNED_90 = 1
    """A quarter turn counter-clockwise, as `numpy.rot90` does it."""
    TURNED_180 = 2
    TURNED_270 = 3
    MIRRORED = 4
    """Left and right swapped."""
    FLIPPED = 5
    """Top and bottom swapped."""
    TRANSPOSED = 6
    """Mirrored about the diagonal from the top left."""
    TRANSVERSED = 7
    """Mirrored about the diagonal from the bottom left."""

    @property
    def steps(self) -> "Steps":
        """What to do to an upright picture to turn it so."""
        return _STEPS[self]

    @property
    def inverse(self) -> "Orientation":
        """What turns a picture in this orientation upright again."""
        return _QUARTER_TURN_BACK.get(self, self)


class Steps(NamedTuple):
    """An orientation as array operations, applied in this order: transpose, flip rows, flip columns.

    On pixels `image[row, column]` they are `image.T`, `image[::-1]` and `image[:, ::-1]`. On DCT coefficients
    `dct[v, u]`, with `v` the frequency down the rows, transposing is `dct.T`, flipping the rows changes the sign of
    every odd `v`, flipping the columns that of every odd `u`.
    """

    transpose: bool
    flip_rows: bool
    flip_columns: bool


def relation(orientation: Orientation | int) -> Relation:
    """Tell in words how a picture in this orientation relates to the upright one."""
    return _RELATIONS[Orientation(orientation)]


_STEPS = {
    Orientation.UPRIGHT: Steps(transpose=False, flip_rows=False, flip_columns=False),
    Orientation.TURNED_90: Steps(transpose=True, flip_rows=True, flip_columns=False),
    Orientation.TURNED_180: Steps(transpose=False, flip_rows=True, flip_columns=True),
    Orientation.TURNED_270: Steps(transpose=True, flip_rows=False, flip_columns=True),
    Orientation.MIRRORED: Steps(transpose=False, flip_rows=False, flip_columns=True),
    Orientation.FLIPPED: Steps(transpose=False, flip_rows=True, flip_columns=False),
    Orientation.TRANSPOSED: Steps(transpose=True, flip_rows=False, flip_columns=False),
    Orientation.TRANSVERSED: Steps(transpose=True, flip_rows=True, flip_columns=True),
}

_QUARTER_TURN_BACK = {
    Orientation.TURNED_90: Orientation.TURNED_270,
    Orientation.TURNED_270: Orientation.TURNED_90,
}

_RELATIONS: dict[Orientation, Relation] = {
    Orientation.UPRIGHT: "same",
    Orientation.TURNED_90: "rotated",
    Orientation.TURNED_180: "rotated",
    Orientation.TURNED_270: "rotated",
    Orientation.MIRRORED: "mirrored",
    Orientation.FLIPPED: "mirrored",
    Orientation.TRANSPOSED: "mirrored_rotated",
    Orientation.TRANSVERSED: "mirrored_rotated",
}


def _turned(picture: NDArray[np.int64], orientation: Orientation) -> NDArray[np.int64]:
    steps = orientation.steps
    picture = picture.T if steps.transpose else picture
    picture = picture[::-1] if steps.flip_rows else picture
    return picture[:, ::-1] if steps.flip_columns else picture


def _composed() -> NDArray[np.uint8]:
    picture = np.arange(4).reshape(2, 2)
    turns = [_turned(picture, orientation).tolist() for orientation in Orientation]
    table = [
        [turns.index(_turned(_turned(picture, first), then).tolist()) for then in Orientation] for first in Orientation
    ]
    return np.array(table, dtype=np.uint8)


COMPOSED: Final = _composed()
"""What turning by the row's orientation and then by the column's comes to, uint8 (8, 8)."""

INVERSE: Final = np.array([orientation.inverse for orientation in Orientation], dtype=np.uint8)
"""What undoes each orientation, uint8 (8,)."""
