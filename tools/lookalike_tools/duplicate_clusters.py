"""The duplicate clusters of a dataset, whichever way its server has them."""

from typing import TypeAlias

from lookalike_tools.errors import CannotAnswer
from lookalike_tools.explore.filters import Filter
from lookalike_tools.exported_clusters import ExportedClusters, exported_clusters
from lookalike_tools.opening import Opened
from lookalike_tools.progress import Progress
from lookalike_tools.served_clusters import ServedClusters, served_clusters

DuplicateClusters: TypeAlias = ServedClusters | ExportedClusters
"""Both have totals, complete, notes, similarity, place, window, largest, rows, sizes, thresholds, grouping."""


async def duplicate_clusters(
    opened: Opened, wanted: Filter, progress: Progress, *, clusters_needed: bool
) -> DuplicateClusters:
    """What the server's filter leaves; where it does not honour it, the duplicate groups of its export.

    `clusters_needed`: the caller needs every cluster, not only their count. Raises `CannotAnswer` where neither tells.
    """
    try:
        return await served_clusters(opened, wanted, progress, clusters_needed=clusters_needed)
    except CannotAnswer as refusal:
        if opened.explore.is_local or wanted.entity_type == "OBJECTS":
            raise
        return await exported_clusters(opened, wanted.value, progress, refusal)
