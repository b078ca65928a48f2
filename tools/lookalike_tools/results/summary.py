"""The answer of `summarize_clusters`."""

from collections.abc import Iterable

from pydantic import Field

from lookalike_tools.results.answer import Answer, counted
from lookalike_tools.results.clusters import Cluster, Totals
from lookalike_tools.schema import Record
from lookalike_tools.similarity import spelled
from lookalike_tools.untrusted import UntrustedText, named


class AtThreshold(Record):
    """The dataset at one similarity."""

    similarity: float = Field(description="Least similarity within a cluster.")
    clusters: int = Field(description="Duplicate clusters there.")
    removable: int = Field(description="Images that can go there.")


class Size(Record):
    """How many clusters have this size."""

    n: int = Field(description="Images in the cluster.")
    clusters: int = Field(description="Clusters of that size.")


class Group(Record):
    """A first folder below the root, or a label."""

    name: UntrustedText = Field(description='Folder or label; "." is the root itself.')
    images: int = Field(description="Images in it; for a server those in duplicate clusters only.")
    removable: int = Field(description="Of those, images that can go.")


class RestOfGroups(Record):
    """All groups that are not listed, as one."""

    groups: int = Field(description="How many groups.")
    images: int | None = Field(default=None, description="Images in them.")
    removable: int | None = Field(default=None, description="Of those, images that can go.")


class Across(Record):
    """Two groups that share clusters."""

    a: UntrustedText = Field(description="One group.")
    b: UntrustedText = Field(description="The other group.")
    clusters: int = Field(description="Clusters with images in both.")


class SummaryAnswer(Answer):
    """How redundant a dataset is."""

    similarity: float | None = Field(
        default=None,
        description="Least similarity in a cluster, as asked; absent where the server grouped at its own setting.",
    )
    totals: Totals | None = Field(default=None, description="Over the whole dataset, at that similarity.")
    share_removable: float | None = Field(
        default=None, description="removable / images, rounded down to four decimals."
    )
    thresholds: list[AtThreshold] | None = Field(
        default=None, description="At several similarities; the asked one alone on servers that do not count."
    )
    sizes: list[Size] | None = Field(default=None, description="Clusters by size.")
    largest: list[Cluster] | None = Field(default=None, description="The largest clusters.")
    groups: list[Group] | None = Field(default=None, description="By folder or label, most removable first.")
    rest: RestOfGroups | None = Field(default=None, description="The groups that are not listed.")
    across: list[Across] | None = Field(default=None, description="Pairs of groups that share clusters, most first.")

    def _summary(self) -> str:
        if self.totals is None:
            return ""
        share = "" if self.share_removable is None else f" Share removable: {self.share_removable:.4f}."
        return self.totals.in_words(None if self.similarity is None else spelled(self.similarity)) + share

    def _lines(self) -> Iterable[str]:
        if self.thresholds:
            yield "At similarity  " + "; ".join(
                f"≥ {spelled(at.similarity)}: {counted(at.clusters, 'cluster')}, {at.removable:,} removable"
                for at in self.thresholds
            )
        if self.sizes:
            yield "Sizes  " + "; ".join(f"{counted(size.clusters, 'cluster')} of {size.n:,}" for size in self.sizes)
        yield from self._group_lines()
        if self.largest:
            yield "Largest:"
            yield from (cluster.line() for cluster in self.largest)

    def _group_lines(self) -> Iterable[str]:
        if self.groups:
            yield "Groups:"
            for group in self.groups:
                yield f"{named(group.name)}  {counted(group.images, 'image')}, {group.removable:,} removable"
        if self.rest is not None:
            counts = [
                f"{count:,} {what}"
                for count, what in ((self.rest.images, "images"), (self.rest.removable, "removable"))
                if count is not None
            ]
            yield "  ".join([counted(self.rest.groups, "other group"), *([", ".join(counts)] if counts else [])])
        if self.across:
            yield "Across groups:"
            for pair in self.across:
                yield f"{named(pair.a)}, {named(pair.b)}  {counted(pair.clusters, 'cluster')}"
