"""Splitting a summary by folder or label: from the engine's own groups, or from the clusters that were read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from lookalike_tools.errors import WrongArgument
from lookalike_tools.explore.client import about
from lookalike_tools.explore.membership import is_sample
from lookalike_tools.explore.models import Cluster, Dataset, Metadata, WireGroup, WirePair
from lookalike_tools.folders import common_folder, first_folder
from lookalike_tools.results.clusters import Totals

GroupBy = Literal["folder", "label"]

_MOST = 10
_MOST_PAIRED = 20


@dataclass(frozen=True)
class Grouping:
    """The first ten groups and pairs, and the rest in numbers."""

    groups: list[WireGroup]
    across: list[WirePair]
    rest_groups: int = 0
    rest_images: int | None = None
    rest_removable: int | None = None
    notes: list[str] = field(default_factory=list[str])


def own_groups(metadata: Metadata, totals: Totals) -> Grouping:
    """The engine's groups; it lists 100 at most, and counts all."""
    groups, across = metadata.groups or [], metadata.across or []
    more = (metadata.groups_total or len(groups)) - min(_MOST, len(groups))
    shown = groups[:_MOST]
    return Grouping(
        groups=shown,
        across=across[:_MOST],
        rest_groups=more,
        rest_images=_left(totals.images, (group.images for group in shown)),
        rest_removable=_left(totals.removable, (group.removable for group in shown)),
        notes=_pair_notes(metadata.across_total or len(across), min(_MOST, len(across))),
    )


def label_groups(dataset: Dataset, clusters: Iterable[Cluster]) -> Grouping:
    """Groups by label. Raises `WrongArgument` where nothing carries one."""
    counted: list[Mapping[str, int]] = []
    sampled = named = 0
    for cluster in clusters:
        labels = {name: count for name, count in cluster.labels.items() if count != 0}
        previewed = Counter(name for preview in cluster.previews for name in preview.labels)
        counts = {name: count for name, count in labels.items() if count is not None}
        if labels and len(counts) == len(labels):
            counted.append(counts)
        elif previewed or not labels:
            counted.append(previewed)
            sampled += bool(previewed) and is_sample(cluster, "IMAGES")
        else:
            counted.append(dict.fromkeys(labels, 1))
            named += 1
    if not any(counted):
        raise WrongArgument(
            f"group_by label is not possible: the duplicates of {about(dataset)} carry no labels", "Leave group_by out"
        )
    among = "within the duplicate clusters"
    if sampled:
        among += f", in {sampled:,} of them among the images that the server showed, a sample"
    if named:
        among += f", in {named:,} of them as one image each, the least it can be: the server only names them"
    return _grouped(
        counted, f"Labels are counted {among}; removable is what each label has beyond one image in a cluster"
    )


def folder_groups(dataset: Dataset, clusters: Sequence[Sequence[str | None]], *, sampled: int) -> Grouping:
    """Groups by first folder below what all paths share, from the paths of the images of each cluster.

    In `sampled` of the clusters they are not all. Raises `WrongArgument` where an image has no path.
    """
    if any(not path for paths in clusters for path in paths):
        raise WrongArgument(
            f"group_by folder is not possible: the server gives no file paths for {about(dataset)}",
            "Leave group_by out",
        )
    shared = common_folder(path or "" for paths in clusters for path in paths)
    skip = len(shared) + 1 if shared else 0
    counted = [Counter(first_folder((path or "")[skip:]) for path in paths) for paths in clusters]
    among = (
        f"the images that the server showed of each duplicate cluster, in {sampled:,} of them a sample"
        if sampled
        else "the images of the duplicate clusters"
    )
    return _grouped(
        counted, f"Folders are counted among {among}; removable is what each has beyond one image in a cluster"
    )


def _grouped(counted: Sequence[Mapping[str, int]], note: str) -> Grouping:
    images: Counter[str] = Counter()
    removable: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for groups in counted:
        images.update(groups)
        removable.update({name: count - 1 for name, count in groups.items()})
        # The pairs grow with the square of the groups, and a server may send any number of labels.
        paired = sorted(groups, key=lambda name: (-groups[name], name))[:_MOST_PAIRED]
        pairs.update(combinations(sorted(paired), 2))
    ordered = sorted(images, key=lambda name: (-removable[name], name))
    spanning = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
    rest = ordered[_MOST:]
    return Grouping(
        groups=[WireGroup(name=name, images=images[name], removable=removable[name]) for name in ordered[:_MOST]],
        across=[WirePair(a=a, b=b, clusters=pairs[a, b]) for a, b in spanning[:_MOST]],
        rest_groups=len(rest),
        rest_images=sum(images[name] for name in rest),
        rest_removable=sum(removable[name] for name in rest),
        notes=[note, *_pairing_notes(counted), *_pair_notes(len(spanning), min(_MOST, len(spanning)))],
    )


def _pairing_notes(counted: Sequence[Mapping[str, int]]) -> list[str]:
    beyond = sum(len(groups) > _MOST_PAIRED for groups in counted)
    if not beyond:
        return []
    return [f"across: in {beyond:,} of the clusters only the {_MOST_PAIRED} largest groups were paired"]


def _left(total: int | None, shown: Iterable[int]) -> int | None:
    if total is None:
        return None
    left = total - sum(shown)
    return left if left >= 0 else None


def _pair_notes(total: int, shown: int) -> list[str]:
    return [f"across: {shown} of {total:,} pairs of groups shown"] if total > shown else []
