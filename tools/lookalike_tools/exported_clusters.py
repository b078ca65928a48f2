"""The duplicate groups of a server's export, in place of clusters that its filter does not make."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike_tools.clusters import Row, rows
from lookalike_tools.cursor import Place, digest
from lookalike_tools.errors import CannotAnswer, ExportFailed, ExportNotDone, WrongArgument
from lookalike_tools.explore.client import about
from lookalike_tools.explore.export import read_export
from lookalike_tools.explore.exported_image import ExportedImage
from lookalike_tools.explore.exported_images import Export
from lookalike_tools.explore.models import Cluster, WireSize
from lookalike_tools.grouping import GroupBy, Grouping, folder_groups
from lookalike_tools.opening import Opened
from lookalike_tools.progress import Progress
from lookalike_tools.results.answer import counted
from lookalike_tools.results.clusters import Totals
from lookalike_tools.results.summary import AtThreshold
from lookalike_tools.similarity import spelled


@dataclass(frozen=True)
class ExportedClusters:
    """Duplicate groups that the server made at a setting of its own, largest first, with all their members."""

    opened: Opened
    wanted: float
    groups: list[tuple[str, list[ExportedImage]]]
    totals: Totals
    complete: bool
    notes: list[str]
    state: str

    @property
    def similarity(self) -> None:
        """Not known: whatever the server is set to."""
        return

    def place(self, tool: str) -> Place:
        """What a cursor of this tool is bound to."""
        return Place(digest(self.opened.dataset.id), digest(tool, self.wanted, "IMAGES"), self.state)

    async def window(self, offset: int, limit: int) -> list[Cluster]:
        """Up to `limit` clusters from `offset` on, largest first; fewer only at the end."""
        return [
            Cluster(cluster_id=group, n_images=len(images), previews=[image.preview() for image in images])
            for group, images in self.groups[offset : offset + limit]
        ]

    async def largest(self, most: int) -> list[Cluster]:
        """The largest ones."""
        return await self.window(0, most)

    async def rows(self, shown: Sequence[Cluster], _progress: Progress) -> tuple[list[Row], list[str]]:
        """The clusters `shown` with a keeper each, chosen among all members."""
        return rows(shown, (group for group, _ in self.groups), "IMAGES"), []

    def sizes(self) -> list[WireSize]:
        """How many clusters there are of each size."""
        sizes = Counter(len(images) for _, images in self.groups)
        return [WireSize(n=n, clusters=sizes[n]) for n in sorted(sizes)]

    async def thresholds(self) -> list[AtThreshold] | None:
        """Not known."""
        return None

    async def grouping(self, by: GroupBy, _progress: Progress) -> Grouping:
        """The clusters by folder. Raises `WrongArgument` for labels, and where an image has no path."""
        if by == "label":
            raise WrongArgument(
                f"group_by label is not possible: the duplicate groups of {about(self.opened.dataset)} come from the"
                " server's export, where labels are not read",
                "Use group_by folder, or leave it out",
            )
        return folder_groups(
            self.opened.dataset, [[image.file_path for image in images] for _, images in self.groups], sampled=0
        )

    def nothing_found(self) -> list[str]:
        """Explains an empty answer."""
        return ["The server's export holds no such duplicates"]


async def exported_clusters(
    opened: Opened, similarity: float, progress: Progress, refusal: CannotAnswer
) -> ExportedClusters:
    """The groups of the export. Raises `CannotAnswer`, which says why the filter is no use and why the export."""
    try:
        export = await read_export(opened.explore, opened.dataset, progress)
    except ExportFailed as failure:
        todo = failure.todo if isinstance(failure, ExportNotDone) else refusal.todo
        raise CannotAnswer(f"{refusal.what}; its export was tried too: {failure.what}", todo) from None
    return await asyncio.to_thread(_clusters, opened, export, similarity)


def _clusters(opened: Opened, export: Export, similarity: float) -> ExportedClusters:
    groups, left_out = _sure_groups(export, similarity)
    clustered = sum(len(images) for _, images in groups)
    images = opened.dataset.size("IMAGES")
    notes = [
        (
            "The groups come from the server's export, because it does not cluster by the duplicates filter; they were"
            f" made at its own setting, not at similarity {spelled(similarity)}"
        ),
        *export.notes,
        *left_out,
    ]
    complete = export.complete
    if images is not None and images != export.listed:
        complete = False
        notes.append(
            f"The server counts {counted(images, 'image')} in the dataset, and {export.listed:,} in its export, so the"
            " totals may be off"
        )
    removed = _least_bytes_removable(groups)
    if removed is not None and groups:
        notes.append("bytes_removable is the least it can be: the server rounds file sizes")
    totals = Totals(
        images=images,
        clustered=clustered,
        single=images - clustered if complete and images is not None else None,
        clusters=len(groups),
        removable=clustered - len(groups),
        bytes_removable=removed,
    )
    state = digest("export", [(group, len(members)) for group, members in groups])
    return ExportedClusters(opened, similarity, groups, totals, complete, notes, state)


def _sure_groups(export: Export, similarity: float) -> tuple[list[tuple[str, list[ExportedImage]]], list[str]]:
    """The groups without images that the server is less sure of than `similarity`, and what was left out."""
    groups: list[tuple[str, list[ExportedImage]]] = []
    alone = unsure = broken = 0
    for group, images in export.by_group.items():
        sure = [image for image in images if image.confidence is None or image.confidence >= similarity]
        alone += len(images) == 1
        unsure += len(images) - len(sure) if len(images) > 1 else 0
        broken += len(images) > 1 >= len(sure)
        if len(sure) > 1:
            groups.append((group, sure))
    groups.sort(key=lambda it: (-len(it[1]), it[0]))
    notes = [
        f"{counted(count, one)} of the export left out: {why}"
        for count, one, why in (
            (unsure, "image", f"the server's confidence is below {spelled(similarity)}"),
            (broken, "group", "fewer than two of its images were left"),
            (alone, "group", "it has one image only"),
        )
        if count
    ]
    return groups, notes


def _least_bytes_removable(groups: list[tuple[str, list[ExportedImage]]]) -> int | None:
    """What goes at least, whichever image of each group stays; `None` where a size is not known."""
    least = 0
    for _, images in groups:
        sizes = [image.file_size for image in images if image.file_size is not None]
        if len(sizes) < len(images):
            return None
        least += sum(sizes) - max(sizes)
    return least
