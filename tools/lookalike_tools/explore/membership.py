"""All members of the clusters that an answer shows, where the server gives only some of them as previews."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lookalike_tools.errors import ExportFailed, NoExport
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.export import read_export
from lookalike_tools.explore.exported_image import ExportedImage
from lookalike_tools.explore.exported_images import Export
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.member_lists import agree, read_lists
from lookalike_tools.explore.models import Cluster, Dataset
from lookalike_tools.progress import Progress
from lookalike_tools.queries import EntityType


@dataclass(frozen=True)
class Membership:
    """The clusters, with all members as previews where they could be had, and why some could not."""

    clusters: list[Cluster]
    notes: list[str] = field(default_factory=list[str])


async def with_members(
    explore: ExploreClient, dataset: Dataset, wanted: Filter, clusters: Sequence[Cluster], progress: Progress
) -> Membership:
    """The clusters with all their members: from the server's lists of them, or where it has none from its export."""
    partial = [cluster for cluster in clusters if is_sample(cluster, wanted.entity_type)]
    if not partial:
        return Membership(list(clusters))
    lists = await read_lists(explore, dataset, wanted, partial, progress)
    if lists is not None:
        return Membership([lists.whole.get(it.cluster_id, it) for it in clusters], lists.notes)
    if wanted.entity_type == "OBJECTS":
        return Membership(list(clusters))
    return await _with_exported_members(explore, dataset, wanted, clusters, progress)


def is_sample(cluster: Cluster, entity_type: EntityType) -> bool:
    """Whether members are missing that matter; the engine has chosen its keeper among all."""
    return cluster.keeper_reason is None and cluster.size(entity_type) > len(cluster.previews)


def exported_members(cluster: Cluster, export: Export, similarity: float) -> list[ExportedImage] | None:
    """The images of the export that are the members of this cluster of images; `None` where no set of them agrees.

    Which of its ids an export repeats is not documented, so each is tried; what is taken must agree.
    """
    alike = export.by_cluster.get(cluster.cluster_id, [])
    shown = [export.by_id.get(preview.media_id or "") for preview in cluster.previews]
    groups = {cluster.cluster_id, *(image.group for image in shown if image is not None)}
    candidates: list[list[ExportedImage]] = [
        alike,
        [image for image in alike if image.group is not None],
        *(export.by_group.get(group, []) for group in sorted(group for group in groups if group is not None)),
    ]
    for candidate in candidates:
        for members in (candidate, [it for it in candidate if it.confidence is None or it.confidence >= similarity]):
            if agree(cluster, [image.media_id for image in members], "IMAGES"):
                return members
    return None


async def _with_exported_members(
    explore: ExploreClient, dataset: Dataset, wanted: Filter, clusters: Sequence[Cluster], progress: Progress
) -> Membership:
    try:
        export = await read_export(explore, dataset, progress)
    except NoExport:
        return Membership(list(clusters))
    except ExportFailed as failure:
        return Membership(list(clusters), [str(failure)])
    return Membership([_exported(cluster, export, wanted) for cluster in clusters])


def _exported(cluster: Cluster, export: Export, wanted: Filter) -> Cluster:
    if not is_sample(cluster, wanted.entity_type):
        return cluster
    members = exported_members(cluster, export, wanted.value)
    return cluster if members is None else cluster.model_copy(update={"previews": [it.preview() for it in members]})
