"""find_duplicates: which images are copies of one another, and which one to keep."""

from lookalike_tools.budget import Cut, fit
from lookalike_tools.checking import check_image, refuse_beside_image
from lookalike_tools.clusters import cut_notes, sample_notes
from lookalike_tools.counting import entity_notes
from lookalike_tools.duplicate_clusters import duplicate_clusters
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.folders import common_folder, openable
from lookalike_tools.opening import open_dataset
from lookalike_tools.progress import Progress
from lookalike_tools.queries import DuplicatesQuery
from lookalike_tools.results.duplicates import DuplicatesAnswer
from lookalike_tools.untrusted import UntrustedPath

NAME = "find_duplicates"
TITLE = "Find duplicate images"
DESCRIPTION = (
    "Finds clusters of duplicate and near-duplicate images in a dataset and suggests which of each to keep; with "
    "image, finds what one image duplicates. "
    "Use it when asked what is duplicated, copied, redundant or can be deleted. Similarity 0.95, the default, means "
    "copies: recompressed, resized, lightly edited or cropped, mirrored, turned; 1 means pixel-equal. Lower finds "
    "more, with chance matches. In local folders large crops and screenshots are missed; shots of one scene may pass "
    "for copies. It deletes nothing, does not search by content, and does not list images without "
    "copies (find_unique)."
)


async def find_duplicates(
    explore: ExploreClient, query: DuplicatesQuery, progress: Progress, patience: float | None
) -> DuplicatesAnswer:
    """One page of duplicate clusters, or what is alike to one image.

    A local dataset that is indexing is waited for, `patience` seconds at most. Raises `LookalikeError`.
    """
    if query.image is not None:
        refuse_beside_image(query)
    opened = await open_dataset(explore, query.dataset, progress, patience)
    if query.image is not None:
        return await check_image(opened, query, query.image)
    if opened.is_indexing:
        return DuplicatesAnswer(**opened.head())
    opened.refuse_below_floor(query.similarity)
    wanted = Filter("duplicates", query.similarity, query.entity_type)
    found = await duplicate_clusters(opened, wanted, progress, clusters_needed=False)
    start = found.place(NAME).at(query.cursor)
    window = await found.window(start.offset, query.limit + 1)
    start.refuse_past_end(len(window))
    page, member_notes = await found.rows(window[: query.limit], progress)
    notes = [
        *found.notes,
        *entity_notes(query.entity_type),
        *sample_notes(page),
        *member_notes,
        *([] if page else found.nothing_found()),
    ]
    folder = common_folder(path for row in page for path in row.paths)

    def build(cut: Cut) -> DuplicatesAnswer:
        clusters = [row.cut(cut, folder) for row in page[: cut.items]]
        shown = len(clusters)
        is_last = shown == len(page) and len(window) <= query.limit
        where = openable(opened.dataset.root_path, opened.dataset.roots, folder) if page else None
        return DuplicatesAnswer(
            **opened.head(complete=found.complete, notes=[*notes, *cut_notes(cut, page, folder)]),
            similarity=found.similarity,
            totals=found.totals,
            shown=shown,
            next_cursor=None if is_last else start.after(shown),
            folder=None if where is None else UntrustedPath(where),
            clusters=clusters,
        )

    return fit(build, len(page), query.limit)
