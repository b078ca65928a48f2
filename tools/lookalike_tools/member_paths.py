"""The paths of all images in duplicate clusters, where folders are to be counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lookalike_tools.errors import ExportFailed, NoExport
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.export import read_export
from lookalike_tools.explore.exported_images import Export
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.membership import exported_members, is_sample
from lookalike_tools.explore.models import Cluster, Dataset
from lookalike_tools.progress import Progress


@dataclass(frozen=True)
class MemberPaths:
    """For each cluster the paths of its images, `None` where one is not known; in `sampled` clusters not of all."""

    by_cluster: list[list[str | None]]
    sampled: int
    notes: list[str] = field(default_factory=list[str])


async def member_paths(
    explore: ExploreClient, dataset: Dataset, wanted: Filter, clusters: Sequence[Cluster], progress: Progress
) -> MemberPaths:
    """The paths as the previews have them, or, where those have none or are a sample, as the server's export does."""
    shown = [[preview.file_path for preview in cluster.previews] for cluster in clusters]
    sampled = sum(is_sample(cluster, wanted.entity_type) for cluster in clusters)
    if not sampled and all(path for paths in shown for path in paths):
        return MemberPaths(shown, 0)
    try:
        export = await read_export(explore, dataset, progress)
    except NoExport:
        return MemberPaths(shown, sampled)
    except ExportFailed as failure:
        return MemberPaths(shown, sampled, [str(failure)])
    whole: list[list[str | None]] = []
    sampled = 0
    for cluster in clusters:
        members = exported_members(cluster, export, wanted.value)
        sampled += members is None and is_sample(cluster, wanted.entity_type)
        whole.append(_previewed(cluster, export) if members is None else [image.file_path for image in members])
    return MemberPaths(whole, sampled)


def _previewed(cluster: Cluster, export: Export) -> list[str | None]:
    """The paths of the previews, the export's where it has them: they begin like those of whole clusters."""
    exported = [export.by_id.get(preview.media_id or "") for preview in cluster.previews]
    return [
        preview.file_path if image is None else image.file_path
        for preview, image in zip(cluster.previews, exported, strict=True)
    ]
