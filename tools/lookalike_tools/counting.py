"""The totals of a dataset at one similarity: the engine's own, or counted over all pages."""

from dataclasses import dataclass

from lookalike_tools.explore.honouring import Honoured, refuse_ignored
from lookalike_tools.explore.models import Dataset, WireTotals
from lookalike_tools.explore.paging import Reading
from lookalike_tools.progress import Progress
from lookalike_tools.queries import EntityType
from lookalike_tools.results.answer import counted
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


def entity_notes(entity_type: EntityType) -> list[str]:
    """Says what is counted where it is not images."""
    return ["Everything counted as an image here is an object found in one"] if entity_type == "OBJECTS" else []


def own_totals(totals: WireTotals) -> Totals:
    """The engine's totals as the answer shows them."""
    return Totals(**totals.model_dump())


def _counted(dataset: Dataset, found: Honoured, reading: Reading) -> Count:
    entity_type = found.wanted.entity_type
    refuse_ignored(found, reading)
    sizes = [cluster.size(entity_type) for cluster in reading.clusters]
    clustered = sum(sizes)
    images = dataset.size(entity_type)
    notes = reading_notes(found, reading)
    if images is not None and images < clustered:
        notes.append(
            f"The server counts {counted(images, 'image')} in the dataset, and {clustered:,} in its clusters,"
            " so the totals may be off"
        )
    complete = not notes
    totals = Totals(
        images=images,
        clustered=clustered,
        single=images - clustered if complete and images is not None else None,
        clusters=len(sizes),
        removable=sum(max(0, size - 1) for size in sizes),
    )
    return Count(totals, complete, notes, reading)


def reading_notes(found: Honoured, reading: Reading) -> list[str]:
    """Why a reading does not cover everything; empty where it does."""
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
    expected = found.listing.expected
    if reading.ended and expected is not None and expected != len(reading.clusters):
        notes.append(
            f"The server counts {counted(expected, 'cluster')}, and {len(reading.clusters):,} were read: it counts"
            " otherwise, or the dataset changed while it was read"
        )
    uncounted = sum(not cluster.is_counted(found.wanted.entity_type) for cluster in reading.clusters)
    if uncounted:
        notes.append(f"The server does not count {uncounted:,} clusters; the images it showed, a sample, were counted")
    return notes
