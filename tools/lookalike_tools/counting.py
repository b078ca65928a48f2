"""The totals of a dataset at one similarity: the engine's or the server's own, or counted over all pages."""

from dataclasses import dataclass

from lookalike_tools.explore.honouring import Honoured, refuse_ignored
from lookalike_tools.explore.models import Dataset, WireTotals
from lookalike_tools.explore.paging import Reading
from lookalike_tools.progress import Progress
from lookalike_tools.queries import EntityType
from lookalike_tools.results.answer import counted
from lookalike_tools.results.clusters import Totals
from lookalike_tools.server_count import ServerCount, server_count


@dataclass(frozen=True)
class Count:
    """Totals, whether they cover everything, why not, and the clusters where they had to be read for it."""

    totals: Totals
    complete: bool
    notes: list[str]
    reading: Reading | None


async def count_clusters(
    dataset: Dataset, found: Honoured, progress: Progress, *, clusters_needed: bool = True
) -> Count:
    """Count what `found` filters; what cannot be known stays absent.

    Where the caller does not need every cluster, a server that counts the images too is believed if its pages bear it
    out, and then there is no reading. The engine's own totals never need one.
    """
    metadata = found.metadata
    if metadata is not None and metadata.totals is not None:
        return Count(own_totals(metadata.totals), complete=True, notes=[], reading=None)
    count = None if clusters_needed else await server_count(found)
    if count is not None:
        return _believed(dataset, found, count)
    return await _counted(dataset, found, await found.listing.all(progress))


def entity_notes(entity_type: EntityType) -> list[str]:
    """Says what is counted where it is not images."""
    return ["Everything counted as an image here is an object found in one"] if entity_type == "OBJECTS" else []


def own_totals(totals: WireTotals) -> Totals:
    """The engine's totals as the answer shows them."""
    return Totals(**totals.model_dump())


async def reading_notes(found: Honoured, reading: Reading) -> list[str]:
    """Why a reading does not cover everything; empty where it does."""
    notes: list[str] = []
    if not reading.ended:
        notes.append(
            f"The totals cover only the first {counted(len(reading.clusters), 'cluster')} ({reading.pages} pages): the"
            f" budget of {found.listing.budget} was used up"
        )
    if reading.changes:
        notes.append(f"The dataset changed while it was read, so the totals may be off: {', '.join(reading.changes)}")
    elif reading.ended and not reading.checked:
        notes.append("There was no time left to see whether the dataset changed while it was read")
    elif reading.ended:
        notes += await _miscounted(found, len(reading.clusters))
    # Several objects may be on one image.
    shared = reading.clusters.shared if found.wanted.entity_type == "IMAGES" else 0
    if shared:
        notes.append(
            f"{shared:,} of the images that the server showed are in more than one cluster; the totals count them in"
            " each"
        )
    uncounted = sum(not head.is_counted for head in reading.clusters.heads)
    if uncounted:
        notes.append(f"The server does not count {uncounted:,} clusters; the images it showed, a sample, were counted")
    return notes


async def _counted(dataset: Dataset, found: Honoured, reading: Reading) -> Count:
    refuse_ignored(found, reading)
    sizes = [head.size for head in reading.clusters.heads]
    notes = await reading_notes(found, reading)
    removable = sum(max(0, size - 1) for size in sizes)
    totals = Totals(clustered=sum(sizes), clusters=len(sizes), removable=removable)
    return _of_dataset(dataset.size(found.wanted.entity_type), totals, notes, reading)


def _believed(dataset: Dataset, found: Honoured, count: ServerCount) -> Count:
    removable = count.images - count.clusters
    totals = Totals(clustered=count.images, clusters=count.clusters, removable=removable)
    return _of_dataset(dataset.size(found.wanted.entity_type), totals, [], None)


def _of_dataset(images: int | None, totals: Totals, notes: list[str], reading: Reading | None) -> Count:
    """With the dataset's images, where the server says how many, and what their number shows about the totals."""
    if images is not None and images < totals.clustered:
        doubt = f"The server counts {counted(images, 'image')} in the dataset, and {totals.clustered:,} in its clusters"
        notes = [*notes, f"{doubt}, so the totals may be off"]
    single = None if notes or images is None else images - totals.clustered
    return Count(totals.model_copy(update={"images": images, "single": single}), not notes, notes, reading)


async def _miscounted(found: Honoured, read: int) -> list[str]:
    """Says that the server counts otherwise than was read, unless what it counts is evidently not what is filtered."""
    listing = found.listing
    if listing.expected in {None, read}:
        return []
    everything = await listing.explore.metadata(listing.dataset, found.wanted.without())
    if everything is not None and everything.cluster_count == listing.expected:
        return []
    counts = f"The server counts {counted(listing.expected or 0, 'cluster')}, and {read:,} were read"
    return [f"{counts}: it counts otherwise, or the dataset changed while it was read"]
