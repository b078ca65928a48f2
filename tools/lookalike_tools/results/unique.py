"""The answer of `find_unique`."""

from collections.abc import Iterable

from pydantic import Field

from lookalike_tools.cursor import Cursor
from lookalike_tools.results.answer import Answer, counted
from lookalike_tools.results.clusters import showing
from lookalike_tools.schema import Record
from lookalike_tools.similarity import spelled
from lookalike_tools.untrusted import UntrustedPath, named


class UniqueTotals(Record):
    """Counts over the dataset."""

    images: int | None = Field(default=None, description="Images in the dataset.")
    at_or_above: int = Field(description="Images at or above the asked uniqueness.")


class UniqueImage(Record):
    """An image unlike the others."""

    path: UntrustedPath = Field(description="Below folder.")
    uniqueness: float | None = Field(
        default=None, description="Share of the other images that are less unique; rounded down."
    )
    nearest: UntrustedPath | None = Field(default=None, description="The image it is most like.")
    nearest_similarity: float | None = Field(default=None, description="To that image; rounded down.")

    def line(self) -> str:
        """The image in one line; fields are two spaces apart."""
        parts = [named(self.path)]
        if self.uniqueness is not None:
            parts.append(f"uniqueness {self.uniqueness:.2f}")
        at = "" if self.nearest_similarity is None else f"{self.nearest_similarity:.2f}"
        if self.nearest is not None:
            parts.append(f"nearest {named(self.nearest)}" + (f" ({at})" if at else ""))
        elif at:
            parts.append(f"nearest at {at}")
        return "  ".join(parts)


class UniqueAnswer(Answer):
    """Images unlike all others, most unique first."""

    uniqueness: float | None = Field(default=None, description="Least uniqueness, as asked.")
    totals: UniqueTotals | None = Field(default=None, description="Over the whole dataset.")
    shown: int | None = Field(default=None, description="Images on this page.")
    next_cursor: Cursor | None = Field(default=None, description="Asks for the next page; absent on the last.")
    folder: UntrustedPath | None = Field(default=None, description="Common part of all paths on this page.")
    images: list[UniqueImage] | None = Field(default=None, description="Most unique first, unless notes say otherwise.")

    def _summary(self) -> str:
        if self.totals is None or self.uniqueness is None or self.shown is None:
            return ""
        of_all = "" if self.totals.images is None else f"{counted(self.totals.images, 'image')}, "
        found = f"{of_all}{self.totals.at_or_above:,} at uniqueness ≥ {spelled(self.uniqueness)}."
        of = self.totals.at_or_above if self.complete else None
        return found + showing(self.shown, of, self.next_cursor, self.folder)

    def _lines(self) -> Iterable[str]:
        return [image.line() for image in self.images or ()]
