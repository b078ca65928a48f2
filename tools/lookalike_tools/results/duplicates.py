"""The answer of `find_duplicates`."""

from collections.abc import Iterable

from pydantic import Field

from lookalike_tools.cursor import Cursor
from lookalike_tools.results.answer import Answer
from lookalike_tools.results.clusters import Cluster, Totals, showing
from lookalike_tools.similarity import spelled
from lookalike_tools.untrusted import UntrustedPath


class DuplicatesAnswer(Answer):
    """Duplicate clusters, largest first."""

    similarity: float | None = Field(
        default=None,
        description="Least similarity in a cluster, as asked; absent where the server grouped at its own setting.",
    )
    totals: Totals | None = Field(default=None, description="Over the whole dataset.")
    shown: int | None = Field(default=None, description="Clusters on this page.")
    next_cursor: Cursor | None = Field(default=None, description="Asks for the next page; absent on the last.")
    folder: UntrustedPath | None = Field(default=None, description="Common part of all paths on this page.")
    clusters: list[Cluster] | None = Field(default=None, description="Largest first.")

    def _summary(self) -> str:
        if self.totals is None or self.shown is None:
            return ""
        page = showing(self.shown, self.totals.clusters if self.complete else None, self.next_cursor, self.folder)
        return self.totals.in_words(None if self.similarity is None else spelled(self.similarity)) + page

    def _lines(self) -> Iterable[str]:
        return [cluster.line() for cluster in self.clusters or ()]
