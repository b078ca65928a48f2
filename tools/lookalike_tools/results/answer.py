"""What every answer has."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from lookalike_tools.schema import Record
from lookalike_tools.untrusted import UntrustedText, named

ShortId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Status = Literal["ready", "indexing", "partial"]


class Answer(Record):
    """The head of every answer; the rest is absent while `status` is indexing."""

    status: Status = Field(description="ready; indexing: ask again later; partial: only a part is indexed.")
    dataset: UntrustedText = Field(description="Name of the dataset.")
    source: UntrustedText = Field(description="local, or the server's host.")
    complete: bool = Field(description="Whether the totals cover the whole dataset.")
    notes: list[UntrustedText] = Field(description="What else there is to know about this answer.")
    done: int | None = Field(
        default=None, description="While indexing: files or comparisons done in the present stage."
    )
    total: int | None = Field(default=None, description="While indexing: how many in all, where known.")

    def structured(self) -> dict[str, Any]:
        """The answer as JSON-ready data; what is absent is left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def text(self) -> str:
        """The same facts as compact text."""
        lines = [f"{named(self.dataset)} ({named(self.source)}, {self.status}): {self._headline()}"]
        if self.notes:
            lines.append("Notes: " + " ".join(_sentence(note) for note in self.notes))
        return "\n".join([*lines, *self._lines()])

    def _headline(self) -> str:
        if self.status == "indexing":
            return _indexing(self.done, self.total)
        return self._summary() + ("" if self.complete else " The count is incomplete.")

    @abstractmethod
    def _summary(self) -> str:
        """The totals, in a sentence or two."""

    @abstractmethod
    def _lines(self) -> Iterable[str]:
        """The rows."""


def _indexing(done: int | None, total: int | None) -> str:
    if done is None:
        return "indexing, nothing to report yet; ask again in a moment."
    of_all = "" if total is None else f" of {total:,}"
    return f"indexing, {done:,}{of_all} done, nothing to report yet; ask again in a moment."


def _sentence(note: str) -> str:
    return note if note.endswith(".") else note + "."


def counted(count: int, one: str) -> str:
    """The count with its noun: "1 image", "1,204 images"."""
    return f"{count:,} {one}" + ("" if count == 1 else "s")


def size_in_words(count: int) -> str:
    """Bytes, exactly, and in the unit that people use."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count * 10 // factor / 10} {unit} ({count:,} bytes)"
    return counted(count, "byte")
