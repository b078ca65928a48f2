"""The clusters that a question selects, in the order in which they are shown."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.cluster_ids import in_order, place_of, short_lengths, uuid_texts
from lookalike_engine.cluster_table import ClusterTable, members_of, table_of_several, table_of_singles
from lookalike_engine.cluster_tree import rows_at
from lookalike_engine.keeper import Traits, best_first
from lookalike_engine.partial_clusters import table_of_parts
from lookalike_engine.similarity import NEAR_DUPLICATE
from lookalike_engine.vql import Filters

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot


class Part(NamedTuple):
    """Clusters shown one after another: these rows of a table, in this order."""

    table: ClusterTable
    rows: NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One of them."""

    id: str
    short_id: str
    images: NDArray[np.integer]
    """Image numbers, the best keeper first."""
    exact: bool
    lowest_similarity: float
    removable_bytes: int


class Clusters:
    """The selected clusters c by their place, 0..c-1, in the order in which they are shown.

    Only their order is worked out for all of them, and how short an id may be cut; the rest when one is looked at.
    """

    def __init__(self, snapshot: "Snapshot", traits: Traits, *parts: Part) -> None:
        """Show the parts one after another."""
        self._traits = traits
        self._rank = snapshot.keeper_rank
        self._parts = parts
        ids = self._ids()
        self._short_length = short_lengths(ids, in_order(ids))

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self._parts)

    def __getitem__(self, place: int) -> Cluster:
        """Return one cluster. Raises IndexError for a place that is none."""
        skipped = 0
        for table, rows in self._parts:
            if 0 <= place - skipped < len(rows):
                return self._cluster(table, int(rows[place - skipped]), int(self._short_length[place]))
            skipped += len(rows)
        raise IndexError(f"there are {len(self)} clusters")

    def find(self, cluster_id: str) -> Cluster | None:
        """Return the cluster of this id; None where it is not among them."""
        place = place_of(self._ids(), cluster_id)
        return None if place is None else self[place]

    @property
    def sizes(self) -> NDArray[np.integer]:
        """How many images each cluster has (c,)."""
        return np.concatenate([table.size[rows] for table, rows in self._parts])

    @property
    def keepers(self) -> NDArray[np.integer]:
        """The image to keep of each cluster (c,)."""
        return np.concatenate([table.keeper[rows] for table, rows in self._parts])

    @property
    def removable_bytes(self) -> int:
        """File sizes of all images but the keepers."""
        return sum(int(table.removable_bytes[rows].sum()) for table, rows in self._parts)

    def members(self) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
        """Return the images of all clusters (m,), cluster after cluster, and the place of each one's cluster (m,)."""
        found = [members_of(table, rows) for table, rows in self._parts]
        before = np.cumsum([0, *(len(rows) for _, rows in self._parts[:-1])]).tolist()
        places = [cluster + skipped for (_, cluster), skipped in zip(found, before, strict=True)]
        return np.concatenate([images for images, _ in found]), np.concatenate(places)

    def _ids(self) -> NDArray[np.uint8]:
        return np.concatenate([table.id[rows] for table, rows in self._parts])

    def _cluster(self, table: ClusterTable, row: int, short_length: int) -> Cluster:
        images = np.asarray(table.images[table.start[row] : table.start[row] + table.size[row]])
        exact = bool(table.exact[row])
        if exact:
            together = np.zeros(len(images), dtype=np.int64)
            best = best_first(self._traits, images, together, together == 0)
        else:
            best = np.argsort(self._rank[images])
        (cluster_id,) = uuid_texts(table.id[row : row + 1])
        return Cluster(
            cluster_id,
            cluster_id[:short_length],
            images[best],
            exact,
            float(table.lowest_similarity[row]),
            int(table.removable_bytes[row]),
        )


def select_clusters(snapshot: "Snapshot", traits: Traits, filters: Filters) -> Clusters:
    """Return the clusters that the filters ask for.

    Duplicates: clusters of two or more, largest first. Uniqueness alone: one image each, most unique first. Both:
    duplicate clusters of the images that are unique enough. Neither: all images, clustered at 0.95, largest first.
    Equals are ordered by cluster id.
    """
    several, singles = table_of_several(snapshot), table_of_singles(snapshot)
    uniqueness = np.asarray(snapshot.uniqueness)
    if filters.uniqueness is not None and filters.duplicates is None:
        unlike = np.asarray(snapshot.nearest_similarity) < NEAR_DUPLICATE
        rows = np.flatnonzero((uniqueness >= filters.uniqueness) & unlike)
        return Clusters(snapshot, traits, _shown(singles, rows, -uniqueness[rows]))
    threshold = NEAR_DUPLICATE if filters.duplicates is None else filters.duplicates
    rows = rows_at(snapshot.cluster_similarity, snapshot.cluster_until, threshold)
    if filters.duplicates is None:
        alone = np.ones(snapshot.image_count, dtype=np.bool_)
        alone[members_of(several, rows)[0]] = False
        return Clusters(snapshot, traits, _largest_first(several, rows), _shown(singles, np.flatnonzero(alone)))
    if filters.uniqueness is not None:
        several = table_of_parts(snapshot, traits, several, rows, uniqueness >= filters.uniqueness)
        rows = np.arange(len(several.id))
    return Clusters(snapshot, traits, _largest_first(several, rows))


def _largest_first(table: ClusterTable, rows: NDArray[np.integer]) -> Part:
    return _shown(table, rows, -table.size[rows])


def _shown(table: ClusterTable, rows: NDArray[np.integer], *key: NDArray[np.number]) -> Part:
    """Order rows by a key (r,), lowest first, if there is one, and equals by id."""
    return Part(table, rows[in_order(table.id[rows], *key)])
