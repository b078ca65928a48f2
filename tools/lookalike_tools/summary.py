"""summarize_clusters: how redundant a dataset is, where, at which threshold, and what cleaning would save."""

import math
from collections import Counter
from dataclasses import dataclass

from lookalike_tools.budget import Cut, fit
from lookalike_tools.caveats import unchecked_notes
from lookalike_tools.clusters import Row, cut_notes, rows, sample_notes
from lookalike_tools.counting import Count, count_clusters
from lookalike_tools.duplicates import nothing_found
from lookalike_tools.errors import WrongArgument
from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import Honoured, honoured
from lookalike_tools.explore.models import Cluster, Metadata, WireSize
from lookalike_tools.grouping import Grouping, folder_groups, label_groups, own_groups
from lookalike_tools.opening import Opened, open_dataset
from lookalike_tools.progress import Progress
from lookalike_tools.queries import SummaryQuery
from lookalike_tools.results.clusters import Totals
from lookalike_tools.results.summary import Across, AtThreshold, Group, RestOfGroups, Size, SummaryAnswer
from lookalike_tools.similarity import THRESHOLDS
from lookalike_tools.together import together
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

    count: Count
    thresholds: list[AtThreshold]
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
    found = await honoured(explore, opened.dataset, Filter("duplicates", query.similarity, "IMAGES"))
    count = await count_clusters(opened.dataset, found, progress)
    clusters = found.listing.first.clusters if count.reading is None else count.reading.clusters
    largest = rows(_by_size(clusters)[:_LARGEST], clusters, "IMAGES")
    sizes = _sizes(found, clusters)
    grouping = await _grouping(opened, query, found, count, clusters)
    notes = [
        *count.notes,
        *sample_notes(largest),
        *nothing_found(opened, found, largest),
        *_size_notes(sizes),
        *unchecked_notes(opened.dataset),
        *([] if grouping is None else grouping.notes),
    ]
    thresholds = await _thresholds(opened, query, found, count)
    return _answer(opened, query, _Parts(count, thresholds, sizes, largest, grouping, notes))


def _answer(opened: Opened, query: SummaryQuery, parts: _Parts) -> SummaryAnswer:
    totals, grouping = parts.count.totals, parts.grouping

    def build(cut: Cut) -> SummaryAnswer:
        def name(text: str) -> UntrustedText:
            return UntrustedText(text).shortened(cut.path)

        return SummaryAnswer(
            **opened.head(complete=parts.count.complete, notes=[*parts.notes, *cut_notes(cut, parts.largest, "")]),
            similarity=query.similarity,
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


async def _grouping(
    opened: Opened, query: SummaryQuery, found: Honoured, count: Count, clusters: list[Cluster]
) -> Grouping | None:
    if query.group_by is None:
        return None
    if query.group_by == "label":
        return label_groups(opened.dataset, clusters)
    if count.reading is None:
        metadata = await opened.explore.metadata(opened.dataset, found.wanted, {"group_by": "folder"})
        if metadata is not None and metadata.groups is not None:
            return own_groups(metadata, count.totals)
    return folder_groups(opened.dataset, clusters)


async def _thresholds(opened: Opened, query: SummaryQuery, found: Honoured, count: Count) -> list[AtThreshold]:
    """At the usual similarities where the engine counts for us, else at the asked one alone."""
    floor = opened.dataset.similarity_floor or 0.0
    others = [] if count.reading is not None else [at for at in THRESHOLDS if at >= floor and at != query.similarity]
    counted: list[Metadata | None] = await together(
        opened.explore.metadata(opened.dataset, found.wanted.at(at)) for at in others
    )
    counts_ = [
        AtThreshold(similarity=query.similarity, clusters=count.totals.clusters, removable=count.totals.removable)
    ]
    for at, metadata in zip(others, counted, strict=True):
        if metadata is not None and metadata.totals is not None:
            totals = metadata.totals
            counts_.append(AtThreshold(similarity=at, clusters=totals.clusters, removable=totals.removable))
    return sorted(counts_, key=lambda row: -row.similarity)


def _by_size(clusters: list[Cluster]) -> list[Cluster]:
    return sorted(clusters, key=lambda cluster: (-cluster.size("IMAGES"), cluster.cluster_id))


def _sizes(found: Honoured, clusters: list[Cluster]) -> list[WireSize]:
    if found.metadata is not None and found.metadata.totals is not None and found.metadata.sizes is not None:
        return found.metadata.sizes
    counted = Counter(cluster.size("IMAGES") for cluster in clusters)
    return [WireSize(n=n, clusters=counted[n]) for n in sorted(counted)]


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
