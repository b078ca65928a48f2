"""The totals of a dataset at one similarity: the engine's own, or counted over all pages."""

from dataclasses import dataclass

from lookalike_tools.explore.honouring import Honoured
from lookalike_tools.explore.models import Dataset, WireTotals
from lookalike_tools.explore.paging import Reading
from lookalike_tools.progress import Progress
from lookalike_tools.results.clusters import Totals


@dataclass(frozen=True)
class Count:
    """Totals, whether they cover everything, why not, and the clusters where they had to be read for it."""

    totals: Totals
    complete: bool
    notes: list[str]
    reading: Reading | None


async def count_clusters(dataset: Dataset, found: Honoured, progress: Progress) -> Count:
    """Count what `found` filters; what cannot be known stays absent."""
    metadata = found.metadata
    if metadata is not None and metadata.totals is not None:
        return Count(own_totals(metadata.totals), complete=True, notes=[], reading=None)
    return _counted(dataset, found, await found.listing.all(progress))


def own_totals(totals: WireTotals) -> Totals:
    """The engine's totals as the answer shows them."""
    return Totals(**totals.model_dump())


def _counted(dataset: Dataset, found: Honoured, reading: Reading) -> Count:
    entity_type = found.wanted.entity_type
    sizes = [cluster.size(entity_type) for cluster in reading.clusters]
    clustered = sum(sizes)
    images = dataset.n_objects if entity_type == "OBJECTS" else dataset.n_images
    uncounted = sum(not cluster.is_counted(entity_type) for cluster in reading.clusters)
    complete = reading.ended and reading.repeated == 0 and not uncounted
    notes = reading_notes(reading)
    if uncounted:
        notes.append(f"The server does not count {uncounted:,} clusters; the images it showed, a sample, were counted")
    consistent = complete and images is not None and images >= clustered
    totals = Totals(
        images=images,
        clustered=clustered,
        single=images - clustered if consistent and images is not None else None,
        clusters=len(sizes),
        removable=sum(max(0, size - 1) for size in sizes),
    )
    return Count(totals, complete, notes, reading)


def reading_notes(reading: Reading) -> list[str]:
    """Why a reading does not cover everything."""
    notes: list[str] = []
    if not reading.ended:
        notes.append(
            f"The totals cover only the first {len(reading.clusters):,} clusters ({reading.pages} pages): the budget of"
            " 50 pages or 20 s was used up"
        )
    if reading.repeated:
        notes.append(
            f"{reading.repeated:,} clusters came twice: the dataset changed while it was read, so the totals may be off"
        )
    return notes
