"""find_duplicates: which images are copies of one another, and which one to keep."""

from lookalike_tools.budget import Cut, fit
from lookalike_tools.clusters import Row, cut_notes, rows, sample_notes
from lookalike_tools.counting import Count, count_clusters, entity_notes
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import Honoured, honoured
from lookalike_tools.explore.models import Cluster
from lookalike_tools.folders import common_folder, openable
from lookalike_tools.opening import Opened, open_dataset
from lookalike_tools.progress import Progress
from lookalike_tools.queries import DuplicatesQuery
from lookalike_tools.results.duplicates import DuplicatesAnswer
from lookalike_tools.similarity import floored, spelled
from lookalike_tools.untrusted import UntrustedPath

NAME = "find_duplicates"
TITLE = "Find duplicate images"
DESCRIPTION = (
    "Finds clusters of duplicate and near-duplicate images in a dataset and suggests which image of each to keep. "
    "Use it when asked what is duplicated, copied, redundant or can be deleted. Similarity 0.95, the default, means"
    " copies: recompressed, resized, lightly edited, mirrored, turned; 1 means pixel-equal. Lower finds more, with "
    "chance matches among them. In local folders crops, borders and tilts are missed. It deletes nothing, does not "
    "search by content, and does not list images without copies (find_unique)."
)

_TRUSTED = 0.9
"""Below this similarity unrelated images of a large dataset meet by chance."""


async def find_duplicates(
    explore: ExploreClient, query: DuplicatesQuery, progress: Progress, patience: float | None
) -> DuplicatesAnswer:
    """One page of duplicate clusters. A local dataset that is indexing is waited for, `patience` seconds at most.

    Raises `LookalikeError`.
    """
    opened = await open_dataset(explore, query.dataset, progress, patience)
    if opened.is_indexing:
        return DuplicatesAnswer(**opened.head())
    opened.refuse_below_floor(query.similarity)
    found = await honoured(explore, opened.dataset, Filter("duplicates", query.similarity, query.entity_type))
    start = opened.place(found, NAME, query.similarity, query.entity_type).at(query.cursor)
    count = await count_clusters(opened.dataset, found, progress)
    window = await _window(found, count, start.offset, query.limit + 1)
    start.refuse_past_end(len(window))
    known = window if count.reading is None else [*count.reading.clusters, *window]
    page = rows(window[: query.limit], known, query.entity_type)
    notes = [*count.notes, *entity_notes(query.entity_type), *sample_notes(page), *nothing_found(opened, found, page)]
    folder = common_folder(path for row in page for path in row.paths)

    def build(cut: Cut) -> DuplicatesAnswer:
        clusters = [row.cut(cut, folder) for row in page[: cut.items]]
        shown = len(clusters)
        is_last = shown == len(page) and len(window) <= query.limit
        where = openable(opened.dataset.root_path, opened.dataset.roots, folder) if page else None
        return DuplicatesAnswer(
            **opened.head(complete=count.complete, notes=[*notes, *cut_notes(cut, page, folder)]),
            similarity=query.similarity,
            totals=count.totals,
            shown=shown,
            next_cursor=None if is_last else start.after(shown),
            folder=None if where is None else UntrustedPath(where),
            clusters=clusters,
        )

    return fit(build, len(page), query.limit)


def nothing_found(opened: Opened, found: Honoured, page: list[Row]) -> list[str]:
    """Explains an empty answer."""
    if page:
        return []
    asked = f"No duplicates at similarity {spelled(found.wanted.value)}"
    closest = None if found.metadata is None else found.metadata.closest_similarity
    if closest is None:
        images = opened.dataset.size(found.wanted.entity_type)
        return [
            asked if images is None or images > 1 else f"{asked}: there {'is 1 image' if images else 'are no images'}"
        ]
    reachable = floored(closest)
    floor = opened.dataset.similarity_floor
    if floor is not None and reachable < floor:
        return [f"{asked}; the closest pair is at {spelled(reachable)}, below what the index covers ({spelled(floor)})"]
    chance = "" if reachable >= _TRUSTED else ", if only by chance"
    return [
        f"{asked}; the closest pair is at {spelled(reachable)}: similarity {spelled(reachable)} would show it{chance}"
    ]


async def _window(found: Honoured, count: Count, offset: int, limit: int) -> list[Cluster]:
    reading = count.reading
    if reading is not None and (reading.ended or offset + limit <= len(reading.clusters)):
        return reading.clusters[offset : offset + limit]
    return await found.listing.window(offset, limit)
