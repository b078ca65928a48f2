"""One snapshot with what questions to it share: keeper traits, pair look-ups, the clusters last asked for."""

from collections import OrderedDict
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from lookalike_engine.checking import KnownImages
from lookalike_engine.clusters import Clusters, select_clusters
from lookalike_engine.keeper import Traits
from lookalike_engine.kinship import Kinship
from lookalike_engine.vql import Filters

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot

_REMEMBERED: Final = 16
"""Selections kept per snapshot: the few similarities and pages that a conversation goes back and forth between."""


class Catalogue:
    """Answers come from here; it is asked by several threads at once."""

    def __init__(self, dataset_id: str, snapshot: "Snapshot") -> None:
        self.dataset_id = dataset_id
        self.snapshot = snapshot
        self._lock = Lock()
        self._selections: OrderedDict[tuple[float | None, float | None], Clusters] = OrderedDict()

    def clusters(self, filters: Filters) -> Clusters:
        """Return the clusters that the filters select."""
        wanted = (filters.duplicates, filters.uniqueness)
        with self._lock:
            found = self._selections.get(wanted)
            if found is None:
                found = select_clusters(self.snapshot, self.traits, filters)
                self._selections[wanted] = found
                if len(self._selections) > _REMEMBERED:
                    self._selections.popitem(last=False)
            self._selections.move_to_end(wanted)
            return found

    @cached_property
    def traits(self) -> Traits:
        """What the choice of a keeper looks at."""
        snapshot = self.snapshot
        return Traits(
            path_length=snapshot.path_length,
            pixels=np.asarray(snapshot.width, dtype=np.int64) * snapshot.height,
            file_size=snapshot.file_size,
            modified_ns=snapshot.modified_ns,
        )

    @cached_property
    def known_images(self) -> KnownImages:
        """What a picture from outside is compared with."""
        return KnownImages(self.snapshot)

    @cached_property
    def kinship(self) -> Kinship:
        """How the images of a cluster relate."""
        return Kinship(self.snapshot)
