"""The answer of `find_duplicates`."""

from collections.abc import Iterable

from pydantic import Field

from lookalike_tools.cursor import Cursor
from lookalike_tools.results.answer import Answer
from lookalike_tools.results.checked import Checked
from lookalike_tools.results.clusters import Cluster, Totals, showing
from lookalike_tools.similarity import spelled
from lookalike_tools.untrusted import UntrustedPath, named


class DuplicatesAnswer(Answer):
    """Duplicate clusters, largest first."""

    similarity: float | None = Field(
        default=None,
        description="Least similarity in a cluster, as asked; absent where the server grouped at its own setting.",
    )
    totals: Totals | None = Field(default=None, description="Over the whole dataset; absent where image was given.")
    shown: int | None = Field(default=None, description="Clusters, or matches of the image, on this page.")
    next_cursor: Cursor | None = Field(default=None, description="Asks for the next page; absent on the last.")
    folder: UntrustedPath | None = Field(default=None, description="Common part of all paths on this page.")
    clusters: list[Cluster] | None = Field(default=None, description="Largest first; absent where image was given.")
    checked: Checked | None = Field(default=None, description="Where image was given: what is alike to it.")

    def _summary(self) -> str:
        if self.checked is not None and self.similarity is not None:
            where = "" if self.folder is None else f" Paths under {named(self.folder)}."
            return self.checked.in_words(spelled(self.similarity)) + where
        if self.totals is None or self.shown is None:
            return ""
        page = showing(self.shown, self.totals.clusters if self.complete else None, self.next_cursor, self.folder)
        return self.totals.in_words(None if self.similarity is None else spelled(self.similarity)) + page

    def _lines(self) -> Iterable[str]:
        yield from (cluster.line() for cluster in self.clusters or ())
        if self.checked is not None:
            yield from self.checked.lines()
