"""Finding out whether a server honours a filter, because older ones ignore it and answer with everything."""

from dataclasses import dataclass

from lookalike_tools.errors import CannotAnswer, RefusedParameters
from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.comparison import Comparison
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import FEWEST_COPIES, Dataset, Metadata, Page
from lookalike_tools.explore.objects import blame_entity_type, refuse_images_as_objects
from lookalike_tools.explore.paging import USUAL, Budget, Listing, Reading
from lookalike_tools.explore.verdicts import Verdict

_MOST_TELLING_FIRST: tuple[Verdict, ...] = ("only filters", "ignored", "refused")
_NOTHING = "Nothing is reported rather than something false"


@dataclass(frozen=True)
class Honoured:
    """A filter that this server honours, with what it leaves and, where the server counts, its counts."""

    wanted: Filter
    listing: Listing
    metadata: Metadata | None


async def honoured(explore: ExploreClient, dataset: Dataset, wanted: Filter, budget: Budget = USUAL) -> Honoured:
    """The first spelling of `wanted` that is honoured. Raises `CannotAnswer` if there is none.

    `applied_filters` proves it; a cluster of one under `duplicates` disproves it; else the answers with and without the
    filter must differ, or those at two values, within the pages of `budget`. What was found out is remembered on the
    client. Raises `WrongArgument` for objects where there are only images.
    """
    spellings = [wanted, wanted.spelled("duplicate_threshold")] if wanted.name == "duplicates" else [wanted]
    verdicts: list[Verdict] = []
    for spelled in spellings:
        found = await _tried(explore, dataset, spelled, budget)
        if isinstance(found, Honoured):
            return found
        verdicts.append(found)
        if found == "only filters":
            break  # It knows the filter: another spelling means the same to it.
    raise _cannot_answer(explore, dataset, wanted, next(it for it in _MOST_TELLING_FIRST if it in verdicts))


def refuse_ignored(found: Honoured, reading: Reading) -> None:
    """Raises `CannotAnswer` where a cluster of one among all pages disproves what the first page seemed to show."""
    wanted = found.wanted
    if wanted.name == "duplicates" and any(head.size < FEWEST_COPIES for head in reading.clusters.heads):
        _refuse(found)


async def refuse_everything(found: Honoured, at_or_above: int) -> None:
    """Raises `CannotAnswer` where all images come back, and the server cannot tell this value from another one."""
    wanted, listing = found.wanted, found.listing
    images = listing.dataset.size(wanted.entity_type)
    if not images or at_or_above < images or wanted.value == 0 or _by_itself(wanted, listing.first) == "honoured":
        return
    comparison = Comparison(listing.explore, listing.dataset, wanted, listing.budget.pages)
    if not await comparison.tells_values_apart(listing.first):
        _refuse(found)


async def _tried(explore: ExploreClient, dataset: Dataset, spelled: Filter, budget: Budget) -> "Honoured | Verdict":
    always = _always(dataset, spelled)
    here = (*always, spelled.value)
    known = explore.honoured.get(always) or explore.honoured.get(here)
    if known is not None and known != "honoured":
        return known
    try:
        first = await explore.page(dataset, spelled, 0)
    except RefusedParameters as refusal:
        blame_entity_type(explore, dataset, spelled, refusal)
        explore.honoured.remember(here, "refused")
        return "refused"
    await refuse_images_as_objects(explore, dataset, spelled, first)
    proven = _by_itself(spelled, first)
    comparison = Comparison(explore, dataset, spelled, budget.pages)
    verdict = proven or known or await comparison.verdict(first)
    # What the answers to one value show may look otherwise at another one.
    explore.honoured.remember(always if proven or verdict == "only filters" else here, verdict or "ignored")
    if verdict != "honoured":
        return verdict or "ignored"
    metadata = comparison.counts or await explore.metadata(dataset, spelled)
    expected = None if metadata is None else metadata.cluster_count
    return Honoured(spelled, Listing(explore, dataset, spelled, first, expected, budget), metadata)


def _always(dataset: Dataset, wanted: Filter) -> tuple[object, ...]:
    return (dataset.id, wanted.name, wanted.entity_type, wanted.spelling)


def _by_itself(spelled: Filter, first: Page) -> Verdict | None:
    """What the filtered page alone proves; `None` where it proves nothing."""
    applied = None if first.metadata is None else first.metadata.applied_filters
    if applied is not None:
        return "honoured" if spelled.name in applied or spelled.spelling in applied else "ignored"
    single = any(cluster.size(spelled.entity_type) < FEWEST_COPIES for cluster in first.clusters)
    return "ignored" if spelled.name == "duplicates" and single else None


def _refuse(found: Honoured) -> None:
    listing = found.listing
    listing.explore.honoured.remember(_always(listing.dataset, found.wanted), "ignored")
    raise _cannot_answer(listing.explore, listing.dataset, found.wanted, "ignored")


def _cannot_answer(explore: ExploreClient, dataset: Dataset, wanted: Filter, verdict: Verdict) -> CannotAnswer:
    if verdict == "only filters":
        why = (
            f"its {wanted.name} filter only leaves images out of the clusters that are there without it, and what is"
            " left in them need not be alike"
        )
        todo = f"{_NOTHING}. A newer Explore server is needed"
    elif verdict == "refused":
        why = f"it refuses the {wanted.name} filter"
        todo = f"{_NOTHING}. A newer Explore server is needed"
    else:
        why = f"it answers the same with and without the {wanted.name} filter"
        todo = f"{_NOTHING}. A newer Explore server is needed, or another value may tell"
    return CannotAnswer(f"{explore.source} cannot answer this about {about(dataset)}: {why}", todo)
