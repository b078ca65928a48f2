"""A cluster in an answer, and the totals over all of them."""

from typing import Literal

from pydantic import Field

from lookalike_tools.keeper import Why
from lookalike_tools.results.answer import ShortId, counted, size_in_words
from lookalike_tools.schema import Record
from lookalike_tools.untrusted import UntrustedPath, UntrustedText, named

Relation = Literal["mirrored", "rotated", "mirrored and rotated"]


class Totals(Record):
    """Counts over the dataset, at the asked similarity."""

    images: int | None = Field(default=None, description="Images in the dataset: clustered + single.")
    clustered: int = Field(description="Images in a duplicate cluster.")
    single: int | None = Field(default=None, description="Images in none.")
    clusters: int = Field(description="Duplicate clusters.")
    removable: int = Field(description="Sum of n - 1 over the clusters: what can go if one of each is kept.")
    bytes_removable: int | None = Field(default=None, description="Their file sizes.")
    skipped: int | None = Field(
        default=None, description="Files and folders left out, by reason in notes; not counted."
    )
    aliases: int | None = Field(default=None, description="Links to files already counted; not counted again.")

    def in_words(self, similarity: str | None) -> str:
        """The totals as sentences; `similarity` is `None` where the clusters were not made at one that was asked."""
        at = "" if similarity is None else f" at similarity ≥ {similarity}"
        of_all = "" if self.images is None else f"{counted(self.images, 'image')}, "
        single = "" if self.single is None else f", {self.single:,} single"
        size = "" if self.bytes_removable is None else f", {size_in_words(self.bytes_removable)}"
        words = (
            f"{of_all}{counted(self.clusters, 'duplicate cluster')}{at}."
            f" {counted(self.clustered, 'image')} clustered{single}; {self.removable:,} removable{size}."
        )
        apart = [
            f"{what} {count:,}"
            for count, what in ((self.skipped, "skipped"), (self.aliases, "aliases"))
            if count is not None
        ]
        return f"{words} Not counted: {', '.join(apart)}." if apart else words


class Other(Record):
    """A member of a cluster that is not the keeper."""

    path: UntrustedPath = Field(description="Below folder, where the answer has one.")
    relation: Relation | None = Field(
        default=None, description="How it is turned relative to the keeper; absent where it is not, or where unknown."
    )

    def in_words(self) -> str:
        """The path, and how it stands."""
        return named(self.path) + ("" if self.relation is None else f" ({self.relation})")


class Cluster(Record):
    """Images that are alike to each other."""

    id: ShortId = Field(description="Unique prefix of the cluster's id.")
    n: int = Field(description="Images in it.")
    exact: bool | None = Field(default=None, description="Whether all are pixel-equal.")
    lowest_similarity: float | None = Field(
        default=None, description="Of any two in it, rounded down; absent where exact."
    )
    keep: UntrustedPath | None = Field(default=None, description="Suggested keeper; advice only.")
    why: Why | None = Field(default=None, description="What decided.")
    others: list[Other] = Field(description="Some of the others.")
    others_more: int = Field(description="How many others are not listed.")
    labels: list[UntrustedText] | None = Field(default=None, description="Labels of its images.")
    tags: list[UntrustedText] | None = Field(default=None, description="Users' tags on its images.")

    def line(self) -> str:
        """The cluster in one line; fields are two spaces apart."""
        kind = {True: "exact", False: "near", None: "alike"}[self.exact]
        low = "" if self.lowest_similarity is None else f", low {self.lowest_similarity:.2f}"
        parts = [self.id, f"{self.n:,} {kind}{low}"]
        if self.keep is not None:
            parts.append(f"keep {named(self.keep)}" + ("" if self.why is None else f" ({self.why})"))
        others = [other.in_words() for other in self.others]
        if self.others_more:
            others.append(f"+{self.others_more:,} more")
        if others:
            parts.append("others " + ", ".join(others))
        for what, names in (("labels", self.labels), ("tags", self.tags)):
            if names:
                parts.append(f"{what} " + ", ".join(named(name) for name in names))
        return "  ".join(parts)


def showing(shown: int, of: int | None, next_cursor: str | None, folder: UntrustedText | None) -> str:
    """How much of the list this page is, how to get on, and what its paths are below."""
    page = f" Showing {shown:,}" + ("" if of is None else f" of {of:,}")
    page += "." if next_cursor is None else f'; cursor "{next_cursor}" for more.'
    return page if folder is None else f"{page} Paths under {named(folder)}."
