"""summarize_clusters: how redundant a dataset is, where, at which threshold, and what cleaning would save."""

import math
from dataclasses import dataclass

from lookalike_tools.budget import Cut, fit
from lookalike_tools.caveats import unchecked_notes
from lookalike_tools.clusters import Row, cut_notes, sample_notes
from lookalike_tools.duplicate_clusters import DuplicateClusters, duplicate_clusters
from lookalike_tools.errors import WrongArgument
from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import WireSize
from lookalike_tools.grouping import Grouping
from lookalike_tools.opening import Opened, open_dataset
from lookalike_tools.progress import Progress
from lookalike_tools.queries import SummaryQuery
from lookalike_tools.results.clusters import Totals
from lookalike_tools.results.summary import Across, AtThreshold, Group, RestOfGroups, Size, SummaryAnswer
from lookalike_tools.untrusted import UntrustedText

NAME = "summarize_clusters"
TITLE = "Summarize duplicates"
DESCRIPTION = (
    "Says how redundant a dataset is: images that could go and bytes saved, counts at several similarities, cluster"
    " sizes, the five largest clusters, and with group_by where copies lie and which folders or labels share them "
    "(train and test, for example). Use it first on an unknown dataset. 0.95 means copies. It does not list all "
    "clusters (find_duplicates) and changes nothing."
)

_LARGEST = 5
_MOST_SIZES = 12


@dataclass(frozen=True)
class _Parts:
    """Everything that a summary shows, before it is cut to size."""

    found: DuplicateClusters
    thresholds: list[AtThreshold] | None
    sizes: list[WireSize]
    largest: list[Row]
    grouping: Grouping | None
    notes: list[str]


async def summarize_clusters(
    explore: ExploreClient, query: SummaryQuery, progress: Progress, patience: float | None
) -> SummaryAnswer:
    """The summary. A local dataset that is indexing is waited for, `patience` seconds at most.

    Raises `LookalikeError`.
    """
    opened = await open_dataset(explore, query.dataset, progress, patience)
    if opened.is_indexing:
        return SummaryAnswer(**opened.head())
    opened.refuse_below_floor(query.similarity)
    _refuse_labels_of_folders(opened, query)
    wanted = Filter("duplicates", query.similarity, "IMAGES")
    found = await duplicate_clusters(opened, wanted, progress, clusters_needed=True)
    grouping = None if query.group_by is None else await found.grouping(query.group_by, progress)
    largest, member_notes = await found.rows(await found.largest(_LARGEST), progress)
    sizes = found.sizes()
    notes = [
        *found.notes,
        *sample_notes(largest),
        *member_notes,
        *([] if largest else found.nothing_found()),
        *_size_notes(sizes),
        *unchecked_notes(opened.dataset),
        *([] if grouping is None else grouping.notes),
    ]
    parts = _Parts(found, await found.thresholds(), sizes, largest, grouping, list(dict.fromkeys(notes)))
    return _answer(opened, parts)


def _answer(opened: Opened, parts: _Parts) -> SummaryAnswer:
    totals, grouping = parts.found.totals, parts.grouping

    def build(cut: Cut) -> SummaryAnswer:
        def name(text: str) -> UntrustedText:
            return UntrustedText(text).shortened(cut.path)

        return SummaryAnswer(
            **opened.head(complete=parts.found.complete, notes=[*parts.notes, *cut_notes(cut, parts.largest, "")]),
            similarity=parts.found.similarity,
            totals=totals,
            share_removable=_share(totals),
            thresholds=parts.thresholds,
            sizes=[Size(n=size.n, clusters=size.clusters) for size in parts.sizes[:_MOST_SIZES]],
            largest=[row.cut(cut, "") for row in parts.largest[: cut.items]],
            groups=None
            if grouping is None
            else [Group(name=name(it.name), images=it.images, removable=it.removable) for it in grouping.groups],
            rest=None if grouping is None else _rest(grouping),
            across=None
            if grouping is None
            else [Across(a=name(it.a), b=name(it.b), clusters=it.clusters) for it in grouping.across],
        )

    return fit(build, len(parts.largest), 1)


def _share(totals: Totals) -> float | None:
    """Of all images, where the server's counts allow it."""
    if not totals.images or totals.clustered > totals.images:
        return None
    return math.floor(totals.removable * 10_000 / totals.images) / 10_000


def _refuse_labels_of_folders(opened: Opened, query: SummaryQuery) -> None:
    if query.group_by == "label" and (opened.explore.is_local or opened.dataset.source_type == "LOCAL"):
        raise WrongArgument(
            f"group_by label is not possible: {about(opened.dataset)} is a folder, and has no labels",
            "Use group_by folder",
        )


def _size_notes(sizes: list[WireSize]) -> list[str]:
    beyond = sizes[_MOST_SIZES:]
    if not beyond:
        return []
    clusters = sum(size.clusters for size in beyond)
    return [f"sizes: {clusters:,} clusters of {beyond[0].n:,} to {beyond[-1].n:,} images are not listed by size"]


def _rest(grouping: Grouping) -> RestOfGroups | None:
    if not grouping.rest_groups:
        return None
    return RestOfGroups(groups=grouping.rest_groups, images=grouping.rest_images, removable=grouping.rest_removable)
