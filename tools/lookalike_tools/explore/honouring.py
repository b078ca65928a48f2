"""Finding out whether a server honours a filter, because older ones ignore it and answer with everything."""

from dataclasses import dataclass

from lookalike_tools.errors import CannotAnswer, RefusedParameters, WrongArgument
from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Cluster, Dataset, Metadata, Page
from lookalike_tools.explore.paging import Listing, Reading


@dataclass(frozen=True)
class Honoured:
    """A filter that this server honours, with what it leaves and, where the server counts, its counts."""

    wanted: Filter
    listing: Listing
    metadata: Metadata | None


async def honoured(explore: ExploreClient, dataset: Dataset, wanted: Filter) -> Honoured:
    """The first spelling of `wanted` that is honoured. Raises `CannotAnswer` if there is none.

    `applied_filters` proves it; a cluster of one under `duplicates` disproves it; else the answers with and without the
    filter must differ. What was found out is remembered on the client.
    """
    spellings = [wanted, wanted.spelled("duplicate_threshold")] if wanted.name == "duplicates" else [wanted]
    for spelled in spellings:
        always = _always(dataset, spelled)
        here = (*always, spelled.value)
        if explore.honoured.get(here) is False:
            continue
        try:
            first = await explore.page(dataset, spelled, 0)
        except RefusedParameters as refusal:
            _blame_entity_type(explore, dataset, wanted, refusal)
            explore.honoured[here] = False
            continue
        metadata = await explore.metadata(dataset, spelled)
        verdict = _by_itself(spelled, first)
        if verdict is None:
            verdict = explore.honoured.get(always)
        if verdict is None:
            verdict = await _by_comparison(explore, dataset, spelled, first, metadata)
        explore.honoured[always if verdict else here] = verdict
        if verdict:
            expected = None if metadata is None else metadata.cluster_count
            return Honoured(spelled, Listing(explore, dataset, spelled, first, expected), metadata)
    raise _cannot_answer(explore, dataset, wanted)


def refuse_ignored(found: Honoured, reading: Reading) -> None:
    """Raises `CannotAnswer` where a cluster of one among all pages disproves what the first page seemed to show."""
    wanted, listing = found.wanted, found.listing
    if wanted.name == "duplicates" and _holds_single(reading.clusters, wanted):
        listing.explore.honoured.pop(_always(listing.dataset, wanted), None)
        raise _cannot_answer(listing.explore, listing.dataset, wanted)


def _always(dataset: Dataset, wanted: Filter) -> tuple[object, ...]:
    return (dataset.id, wanted.name, wanted.entity_type, wanted.spelling)


def _cannot_answer(explore: ExploreClient, dataset: Dataset, wanted: Filter) -> CannotAnswer:
    return CannotAnswer(
        f"{explore.source} cannot answer this about {about(dataset)}: it refuses the {wanted.name} filter, or"
        " answers the same with and without it",
        "Nothing is reported rather than something false. A newer Explore server is needed, or another value may tell",
    )


def _blame_entity_type(explore: ExploreClient, dataset: Dataset, wanted: Filter, refusal: RefusedParameters) -> None:
    if wanted.entity_type == "OBJECTS" and (explore.is_local or "entity_type" in refusal.fields):
        raise WrongArgument(
            f"entity_type OBJECTS does not exist in {about(dataset)}", "Leave entity_type out, or use IMAGES"
        ) from None


def _by_itself(spelled: Filter, first: Page) -> bool | None:
    """What the filtered page alone proves; `None` where it proves nothing."""
    applied = None if first.metadata is None else first.metadata.applied_filters
    if applied is not None:
        return spelled.name in applied or spelled.spelling in applied
    return False if spelled.name == "duplicates" and _holds_single(first.clusters, spelled) else None


def _holds_single(clusters: list[Cluster], spelled: Filter) -> bool:
    return any(cluster.size(spelled.entity_type) == 1 for cluster in clusters)


async def _by_comparison(
    explore: ExploreClient, dataset: Dataset, spelled: Filter, first: Page, metadata: Metadata | None
) -> bool:
    unfiltered = await explore.page(dataset, spelled.without(), 0)
    if not unfiltered.clusters and not first.clusters:
        return dataset.size(spelled.entity_type) == 0
    if _seen(first, spelled) != _seen(unfiltered, spelled):
        return True
    everything = await explore.metadata(dataset, spelled.without())
    counts = (
        None if metadata is None else metadata.cluster_count,
        None if everything is None else everything.cluster_count,
    )
    return None not in counts and counts[0] != counts[1]


def _seen(page: Page, spelled: Filter) -> list[tuple[str, int]]:
    return [(cluster.cluster_id, cluster.size(spelled.entity_type)) for cluster in page.clusters]
