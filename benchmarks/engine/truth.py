"""What is a copy of what in a made set: a table beside its pictures."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

PICTURES = "images"
TABLE = "truth.csv"


@dataclass(frozen=True, slots=True)
class Row:
    """One picture of the set. Pictures of one group are copies of one another; no others are."""

    file: str
    """Name below `images/`."""
    group: str
    base: str
    """The file that this one was made of; its own name for an original."""
    tier: str
    """original, exact, easy, medium or hard."""
    transform: str
    """The edit's name; "original" for an original."""
    kind: str
    """What the base is: photo, window (a part of a large photograph) or burst (a shot of a scene shot repeatedly)."""
    scene: str
    """Windows of one photograph, with the photograph, and shots of one burst share it; else no two groups do."""
    backdrop: str = ""
    """The group whose picture this one was pasted on; with that group it is neither a copy nor clearly distinct."""


def write_truth(folder: Path, rows: Iterable[Row]) -> None:
    """Write the table into `folder`."""
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_truth(folder: Path) -> list[Row]:
    """Read the table of a made set, in its order. Raises `SystemExit` where `folder` is none."""
    try:
        with (folder / TABLE).open(newline="", encoding="utf-8") as file:
            return [Row(**row) for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise SystemExit(f"{folder} holds no {TABLE}: make a set there with benchmarks.engine.generate") from error
