"""What `find_duplicates` answers about one image."""

from collections.abc import Iterable

from pydantic import Field

from lookalike_tools.results.answer import ShortId, counted
from lookalike_tools.results.clusters import Relation
from lookalike_tools.schema import Record
from lookalike_tools.untrusted import UntrustedPath, named


class Match(Record):
    """An image of the dataset, beside the one that was asked about."""

    path: UntrustedPath = Field(description="Below folder, where the answer has one.")
    similarity: float = Field(description="To the image; rounded down. 1 where pixel-equal, and only there.")
    relation: Relation | None = Field(
        default=None, description="How it is turned relative to the image; absent where it is not."
    )
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    cluster: ShortId | None = Field(
        default=None, description="Unique prefix of the id of its duplicate cluster; absent where it is in none."
    )

    def line(self) -> str:
        """The image in one line; fields are two spaces apart."""
        how = "exact" if self.similarity == 1 else f"{self.similarity:.2f}"
        turned = "" if self.relation is None else f" {self.relation}"
        within = [] if self.cluster is None else [f"cluster {self.cluster}"]
        return "  ".join([named(self.path), how + turned, f"{self.width}×{self.height}", *within])


class Checked(Record):
    """One image compared with all of a dataset."""

    image: UntrustedPath = Field(description="The image, as asked.")
    width: int = Field(description="Pixels, upright.")
    height: int = Field(description="Pixels, upright.")
    itself: UntrustedPath | None = Field(
        default=None, description="Its path below folder, where it is one of the dataset's own images: not in matches."
    )
    images: int | None = Field(default=None, description="Images in the dataset.")
    alike: int = Field(description="Images of the dataset at or above the similarity.")
    exact: int = Field(description="Of those, pixel-equal ones.")
    matches: list[Match] = Field(description="The most alike first.")
    more: int = Field(description="How many of those alike are not listed.")
    nearest: Match | None = Field(default=None, description="Where none is alike: the nearest all the same.")

    def in_words(self, similarity: str) -> str:
        """What was found, as sentences."""
        other = "other " if self.itself is not None else ""
        of_all = "" if self.images is None else f", of {counted(self.images, 'image')}"
        exact = f", {self.exact:,} of them pixel-equal" if self.alike else ""
        found = f"{counted(self.alike, f'{other}image')} alike at similarity ≥ {similarity}{exact}{of_all}."
        itself = "" if self.itself is None else f" It is itself {named(self.itself)} of this dataset."
        more = f" Not listed: {self.more:,} more." if self.more else ""
        return f"image {named(self.image)} ({self.width}×{self.height}): {found}{itself}{more}"

    def lines(self) -> Iterable[str]:
        """The matches, or the nearest image."""
        yield from (match.line() for match in self.matches)
        if self.nearest is not None:
            yield f"nearest {self.nearest.line()}"
