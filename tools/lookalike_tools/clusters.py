"""From the clusters that a server sends to the clusters that an answer shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lookalike_tools.budget import Cut
from lookalike_tools.explore.models import Cluster as WireCluster
from lookalike_tools.explore.models import Preview
from lookalike_tools.folders import below
from lookalike_tools.keeper import Choice, suggest_keeper
from lookalike_tools.queries import EntityType
from lookalike_tools.relations import RELATIONS
from lookalike_tools.results.clusters import Cluster, Other
from lookalike_tools.similarity import floored
from lookalike_tools.untrusted import UntrustedPath, UntrustedText

_SHORTEST_ID = 8
_MOST_NAMES = 5


@dataclass(frozen=True)
class Row:
    """A cluster with its keeper chosen, before it is cut to size."""

    wire: WireCluster
    short_id: str
    n: int
    choice: Choice | None

    @property
    def is_sample(self) -> bool:
        """Whether the keeper was chosen among some of the members only."""
        return self.choice is not None and self.n > len(self.wire.previews) and self.wire.keeper_reason is None

    @property
    def paths(self) -> list[str]:
        """Paths that the answer may show."""
        return [preview.path for preview in self._listed]

    def longest(self, folder: str) -> int:
        """Characters of the longest path that the answer may show below `folder`."""
        return max((len(UntrustedPath(below(path, folder))) for path in self.paths), default=0)

    @property
    def _listed(self) -> list[Preview]:
        return [] if self.choice is None else [self.choice.keep, *self.choice.others[:_MOST_NAMES]]

    def cut(self, cut: Cut, folder: str) -> Cluster:
        """The cluster as the answer shows it, its paths below `folder`."""
        others = [
            Other(path=_name(other, folder, cut), relation=RELATIONS.get(other.relation or ""))
            for other in self._listed[1:][: cut.others]
        ]
        # Exact says already that it is 1.
        lowest = None if self.wire.exact else self.wire.lowest_similarity
        return Cluster(
            id=self.short_id,
            n=self.n,
            exact=self.wire.exact,
            lowest_similarity=None if lowest is None else floored(lowest),
            keep=None if self.choice is None else _name(self.choice.keep, folder, cut),
            why=None if self.choice is None else self.choice.why,
            others=others,
            others_more=max(0, self.n - len(others) - (self.choice is not None)),
            labels=_names(self.wire.labels, cut),
            tags=_names(self.wire.user_tags, cut),
        )


def rows(shown: Sequence[WireCluster], every: Iterable[str] | None, entity_type: EntityType) -> list[Row]:
    """The clusters `shown`, with short ids that are unique among `every` id; whole ids where those are not known."""
    prefixes = {} if every is None else short_ids(every)
    return [
        Row(
            wire=cluster,
            short_id=cluster.short_id or prefixes.get(cluster.cluster_id, cluster.cluster_id),
            n=cluster.size(entity_type),
            choice=suggest_keeper(cluster),
        )
        for cluster in shown
    ]


def short_ids(identifiers: Iterable[str]) -> dict[str, str]:
    """For each id its shortest prefix, of 8 characters or more, that no other one begins with."""
    ordered = sorted(set(identifiers))
    shared = [_shared(one, other) for one, other in pairwise(ordered)]
    lengths = (max(before, after) + 1 for before, after in zip([0, *shared], [*shared, 0], strict=True))
    return {
        identifier: identifier[: max(_SHORTEST_ID, length)]
        for identifier, length in zip(ordered, lengths, strict=False)
    }


def cut_notes(cut: Cut, shown: Sequence[Row], folder: str) -> list[str]:
    """Says what of the rows `shown` was left out to fit the budget."""
    return cut.notes(
        len(shown),
        others=max((len(row.paths) - 1 for row in shown), default=0),
        longest=max((row.longest(folder) for row in shown), default=0),
    )


def sample_notes(shown: Iterable[Row]) -> list[str]:
    """Says where a keeper was chosen without seeing every member, and where labels or tags are not all listed."""
    listed = list(shown)
    notes: list[str] = []
    samples = sum(row.is_sample for row in listed)
    if samples:
        notes.append(
            f"In {samples:,} of the clusters shown the server gave only a sample of the members; the keeper was chosen"
            " among that sample"
        )
    if any(max(len(row.wire.labels), len(row.wire.user_tags)) > _MOST_NAMES for row in listed):
        notes.append(f"Only the {_MOST_NAMES} most frequent labels and tags of a cluster are listed")
    return notes


def _shared(one: str, other: str) -> int:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


def _name(preview: Preview, folder: str, cut: Cut) -> UntrustedPath:
    return UntrustedPath(below(preview.path, folder)).shortened(cut.path)


def _names(counts: Mapping[str, int | None], cut: Cut) -> list[UntrustedText] | None:
    most = sorted(counts, key=lambda name: (-(counts[name] or 0), name))[:_MOST_NAMES]
    return [UntrustedText(name).shortened(cut.path) for name in most] or None
