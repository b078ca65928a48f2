"""find_unique: which images are unlike all others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice

from lookalike_tools.budget import Cut, fit
from lookalike_tools.counting import entity_notes, reading_notes
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import Honoured, honoured, refuse_everything
from lookalike_tools.explore.models import Cluster, Preview
from lookalike_tools.folders import below, common_folder, openable
from lookalike_tools.opening import Opened, open_dataset
from lookalike_tools.progress import Progress
from lookalike_tools.queries import UniqueQuery
from lookalike_tools.results.answer import counted
from lookalike_tools.results.unique import UniqueAnswer, UniqueImage, UniqueTotals
from lookalike_tools.similarity import floored, spelled
from lookalike_tools.untrusted import UntrustedPath

NAME = "find_unique"
TITLE = "Find unique images"
DESCRIPTION = (
    "Lists the images of a dataset that have no copy, those farthest from their most similar other image first. Use"
    " it when asked which images have no copies, or are least like the rest. Uniqueness 0.8 means: farther from its"
    " nearest image than 80 % of the images. In local folders an image with a copy at "
    "similarity 0.95 or above is never listed, and it compares looks, not subjects. For copies use"
    " find_duplicates."
)


@dataclass(frozen=True)
class _Found:
    """One page of images, one more than asked where there is a next page."""

    images: list[Preview]
    totals: UniqueTotals
    complete: bool
    notes: list[str]


async def find_unique(
    explore: ExploreClient, query: UniqueQuery, progress: Progress, patience: float | None
) -> UniqueAnswer:
    """One page of unique images. A local dataset that is indexing is waited for, `patience` seconds at most.

    Raises `LookalikeError`.
    """
    opened = await open_dataset(explore, query.dataset, progress, patience)
    if opened.is_indexing:
        return UniqueAnswer(**opened.head())
    wanted = Filter("uniqueness", query.uniqueness, query.entity_type)
    filtered = await honoured(explore, opened.dataset, wanted)
    start = opened.place(filtered, NAME, query.uniqueness, query.entity_type).at(query.cursor)
    found = await _find(opened, filtered, range(start.offset, start.offset + query.limit + 1), progress)
    page = found.images[: query.limit]
    start.refuse_past_end(len(page))
    notes = [*found.notes, *entity_notes(query.entity_type), *_nothing_found(filtered, page)]
    paths = [path for image in page for path in (image.path, image.nearest_file_path) if path]
    folder = common_folder(paths)
    longest = max((len(UntrustedPath(below(path, folder))) for path in paths), default=0)

    def build(cut: Cut) -> UniqueAnswer:
        images = [_image(image, folder, cut) for image in page[: cut.items]]
        is_last = len(images) == len(found.images)
        where = openable(opened.dataset.root_path, opened.dataset.roots, folder) if page else None
        return UniqueAnswer(
            **opened.head(complete=found.complete, notes=[*notes, *cut.notes(len(page), longest=longest)]),
            uniqueness=query.uniqueness,
            totals=found.totals,
            shown=len(images),
            next_cursor=None if is_last else start.after(len(images)),
            folder=None if where is None else UntrustedPath(where),
            images=images,
        )

    return fit(build, len(page), query.limit)


async def _find(opened: Opened, filtered: Honoured, wanted: range, progress: Progress) -> _Found:
    dataset, metadata = opened.dataset, filtered.metadata
    if metadata is not None and metadata.totals is not None and metadata.cluster_count is not None:
        # The engine's unique images are clusters of one each.
        window = await filtered.listing.window(wanted.start, len(wanted))
        totals = UniqueTotals(images=metadata.totals.images, at_or_above=metadata.cluster_count)
        return _Found(list(_images(window)), totals, complete=True, notes=[])
    reading = await filtered.listing.all(progress)
    at_or_above = sum(head.size for head in reading.clusters.heads)
    await refuse_everything(filtered, at_or_above)
    notes = await reading_notes(filtered, reading)
    complete = not notes
    shown, ranked = 0, True
    for image in _images(reading.clusters):
        shown += 1
        ranked = ranked and image.uniqueness is not None
    if not ranked:
        notes.append("The server does not say how unique each image is; they come in its own order")
    if at_or_above > shown:
        more = f"{counted(at_or_above - shown, 'more image')} {'is' if at_or_above - shown == 1 else 'are'}"
        notes.append(f"{more} in the same clusters and cannot be listed: the server showed only some of each")
    if at_or_above and dataset.source_type != "LOCAL":
        notes.append("Uniqueness is the server's own measure; images with copies may be among them")
    # Only as many as are asked for are kept at a time.
    images = _images(reading.clusters)
    first = nsmallest(wanted.stop, images, key=_rank) if ranked else islice(images, wanted.stop)
    return _Found(
        images=list(first)[wanted.start :],
        totals=UniqueTotals(images=dataset.size(filtered.wanted.entity_type), at_or_above=at_or_above),
        complete=complete,
        notes=notes,
    )


def _images(clusters: Iterable[Cluster]) -> Iterator[Preview]:
    return (preview for cluster in clusters for preview in cluster.previews)


def _rank(image: Preview) -> float:
    return -(image.uniqueness or 0)


def _image(image: Preview, folder: str, cut: Cut) -> UniqueImage:
    nearest = image.nearest_file_path
    return UniqueImage(
        path=UntrustedPath(below(image.path, folder)).shortened(cut.path),
        uniqueness=None if image.uniqueness is None else floored(image.uniqueness),
        nearest=None if nearest is None else UntrustedPath(below(nearest, folder)).shortened(cut.path),
        nearest_similarity=None if image.nearest_similarity is None else floored(image.nearest_similarity),
    )


def _nothing_found(filtered: Honoured, page: list[Preview]) -> list[str]:
    if page:
        return []
    asked = f"No image at uniqueness {spelled(filtered.wanted.value)}"
    highest = None if filtered.metadata is None else filtered.metadata.highest_uniqueness
    if highest is None:
        images = (
            None if filtered.metadata is None or filtered.metadata.totals is None else filtered.metadata.totals.images
        )
        if images is None:
            return [asked]
        return [f"{asked}: " + ("every image that can be compared has a copy" if images else "there are no images")]
    reachable = spelled(floored(highest))
    return [f"{asked}; the highest is {reachable}: uniqueness {reachable} would show it"]
