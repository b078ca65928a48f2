"""The images of an export: those in duplicate groups, and the others while they are few."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from lookalike_tools.errors import BadAnswer
from lookalike_tools.explore.exported_image import ExportedImage

_MOST_GROUPED = 1_000_000
_MOST_OTHERS = 100_000


@dataclass(frozen=True)
class Export:
    """What was kept of an export.

    `images` holds every image that is in a duplicate group, each once, and, where there are at most 100,000 others, all
    images. `listed` is how many the file lists; `notes` says what of it could not be used, `complete` that all could.
    """

    images: list[ExportedImage]
    listed: int
    complete: bool
    notes: list[str]

    @cached_property
    def by_id(self) -> dict[str, ExportedImage]:
        """The images by their media id."""
        return {image.media_id: image for image in self.images}

    @cached_property
    def by_group(self) -> dict[str, list[ExportedImage]]:
        """The images of each duplicate group."""
        return _indexed((image.group, image) for image in self.images)

    @cached_property
    def by_cluster(self) -> dict[str, list[ExportedImage]]:
        """The images of each cluster."""
        return _indexed((image.cluster_id, image) for image in self.images)


@dataclass
class Gathering:
    """An export that is being read."""

    announced: int | None = None
    unreadable: int = 0
    _frames: int = 0
    _repeated: int = 0
    _regrouped: int = 0
    _listed: int = 0
    _grouped: dict[str, ExportedImage] = field(default_factory=dict[str, ExportedImage])
    _others: dict[str, ExportedImage] | None = field(default_factory=dict[str, ExportedImage])

    def add(self, image: ExportedImage | None) -> None:
        """One more image; `None` is a video frame."""
        if image is None:
            self._frames += 1
            return
        others = self._others
        if image.media_id in self._grouped or (others is not None and image.media_id in others):
            self._repeated += 1
            return
        self._listed += 1
        self._regrouped += image.regrouped
        if image.group is not None:
            self._grouped[image.media_id] = image
        elif others is not None:
            others[image.media_id] = image
        if others is not None and len(others) > _MOST_OTHERS:
            self._others = None
        if len(self._grouped) > _MOST_GROUPED:
            raise BadAnswer(
                f"The export lists more than {_MOST_GROUPED:,} images in duplicate groups",
                "Ask about a smaller dataset",
            )

    def export(self) -> Export:
        """What was read."""
        entries = self._listed + self._repeated + self._frames + self.unreadable
        notes = [
            f"{what}: {count:,}"
            for count, what in (
                (self.unreadable, "Entries of the export left out as unreadable"),
                (self._repeated, "Entries of the export that repeat an image, each image counted once"),
                (self._regrouped, "Images in several groups of the export, of which the first counts"),
                (self._frames, "Video frames of the export left out"),
            )
            if count
        ]
        is_short = self.announced is not None and self.announced > entries
        if is_short:
            notes.append(f"The export announces {self.announced:,} entries and holds {entries:,}")
        images = [*self._grouped.values(), *(self._others or {}).values()]
        return Export(images, self._listed, complete=not self.unreadable and not is_short, notes=notes)


def _indexed(keyed: Iterable[tuple[str | None, ExportedImage]]) -> dict[str, list[ExportedImage]]:
    index: defaultdict[str, list[ExportedImage]] = defaultdict(list)
    for key, image in keyed:
        if key is not None:
            index[key].append(image)
    return dict(index)
