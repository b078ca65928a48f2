"""How right the returned clusters are, by what is true of the set.

Counted are pairs of images *inside returned clusters*: clusters are what a person acts on, and chaining, by which few
wrong pairs make huge wrong clusters, must show. Pairs that are neither copies nor clearly distinct are left out: shots
of one burst, windows of one photograph, a copy pasted on another photograph with that one. `strict` counts bursts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.engine.truth import Row

Clusters = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of images in one cluster, pairs that are copies, and pairs that are both."""

    returned: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        """1 where nothing was returned: nothing wrong was."""
        return self.right / self.returned if self.returned else 1.0

    @property
    def recall(self) -> float:
        """1 where there was nothing to find."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        return _harmonic(self.precision, self.recall)


@dataclass(frozen=True, slots=True)
class Score:
    """Everything that is said of one answer."""

    pairs: Pairs
    near: Pairs
    """Without the images that are hard edits."""
    strict: Pairs
    """With two shots of one burst counted as wrong."""
    clusters_pure: float
    """Cluster precision: the part of the returned clusters that hold no wrong pair."""
    groups_whole: float
    """Cluster recall: the part of the true groups whose images are all in one cluster."""
    bcubed_precision: float
    bcubed_recall: float
    recall_of: Mapping[str, tuple[float, int]]
    """For each transform, how often the copy is in its original's cluster, and of how many."""

    @property
    def bcubed_f1(self) -> float:
        """The harmonic mean of the two."""
        return _harmonic(self.bcubed_precision, self.bcubed_recall)


def score(rows: Sequence[Row], clusters: Clusters) -> Score:
    """Score the clusters that were returned for the set that `rows` describe; an image in none stands alone.

    Raises `ValueError` for a file that the set has not, and for one that is in two clusters.
    """
    cluster_of = _cluster_of(rows, clusters)
    lenient = _Counted(rows, cluster_of, lambda row: row.scene)
    strict = _Counted(rows, cluster_of, lambda row: row.group if row.kind == "burst" else row.scene)
    easier = [row for row in rows if row.tier != "hard"]
    precision, recall = lenient.bcubed()
    return Score(
        pairs=lenient.pairs(),
        near=_Counted(easier, cluster_of, lambda row: row.scene).pairs(),
        strict=strict.pairs(),
        clusters_pure=lenient.pure(),
        groups_whole=lenient.whole(),
        bcubed_precision=precision,
        bcubed_recall=recall,
        recall_of=_recall_by_transform(rows, cluster_of),
    )


def _cluster_of(rows: Sequence[Row], clusters: Clusters) -> dict[str, int]:
    known = {row.file for row in rows}
    found: dict[str, int] = {}
    for number, cluster in enumerate(clusters):
        for file in cluster:
            if file not in known:
                raise ValueError(f"{file} is in a returned cluster and not in the set")
            if found.setdefault(file, number) != number:
                raise ValueError(f"{file} is in two of the returned clusters")
    alone = (row.file for row in rows if row.file not in found)
    return found | {file: number for number, file in enumerate(alone, len(clusters))}


class _Counted:
    """Images counted by cluster, by group and by scene within each cluster; groups lie within scenes."""

    def __init__(self, rows: Sequence[Row], cluster_of: Mapping[str, int], scene_of: Callable[[Row], str]) -> None:
        self._rows = rows
        self._cluster_of = cluster_of
        self._scene_of = scene_of
        self._in_cluster = Counter(cluster_of[row.file] for row in rows)
        self._in_group = Counter(row.group for row in rows)
        self._of_group = Counter((cluster_of[row.file], row.group) for row in rows)
        self._of_scene = Counter((cluster_of[row.file], scene_of(row)) for row in rows)
        self._left_out = self._with_backdrops()

    def pairs(self) -> Pairs:
        """All pairs but those left out."""
        right = _pairs(self._of_group.values())
        left_out = _pairs(self._of_scene.values()) - right + sum(self._left_out.values()) // 2
        return Pairs(_pairs(self._in_cluster.values()) - left_out, _pairs(self._in_group.values()), right)

    def pure(self) -> float:
        """The part of the clusters of two or more images in which every pair that counts is right."""
        wrong: set[int] = set()
        several = {cluster for cluster, count in self._in_cluster.items() if count > 1}
        for row in self._rows:
            if self._counting(row) > self._of_group[self._cluster_of[row.file], row.group]:
                wrong.add(self._cluster_of[row.file])
        return 1 - len(wrong) / len(several) if several else 1.0

    def whole(self) -> float:
        """The part of the groups of two or more images that are in one cluster."""
        several = {group for group, count in self._in_group.items() if count > 1}
        whole = sum(self._in_group[group] == count for (_, group), count in self._of_group.items() if group in several)
        return whole / len(several) if several else 1.0

    def bcubed(self) -> tuple[float, float]:
        """Precision and recall by image, each image with itself, in the mean over all images."""
        precision = recall = 0.0
        for row in self._rows:
            right = self._of_group[self._cluster_of[row.file], row.group]
            precision += right / self._counting(row)
            recall += right / self._in_group[row.group]
        return precision / len(self._rows), recall / len(self._rows)

    def _counting(self, row: Row) -> int:
        """How many images of its cluster count for this one, itself among them."""
        cluster = self._cluster_of[row.file]
        of_scene = self._of_scene[cluster, self._scene_of(row)] - self._of_group[cluster, row.group]
        return self._in_cluster[cluster] - of_scene - self._left_out[row.file]

    def _with_backdrops(self) -> Counter[str]:
        """For each image, with how many others of its cluster it shares the photograph that one was pasted on."""
        sharing: defaultdict[tuple[int, str], list[Row]] = defaultdict(list)
        behind = {row.backdrop for row in self._rows if row.backdrop}
        for row in self._rows:
            for group in {row.group, row.backdrop} & behind:
                sharing[self._cluster_of[row.file], group].append(row)
        left_out: Counter[str] = Counter()
        pairs = {
            (one.file, other.file)
            for rows in sharing.values()
            for one in rows
            for other in rows
            if self._scene_of(one) != self._scene_of(other)
        }
        left_out.update(file for file, _ in pairs)
        return left_out


def _recall_by_transform(rows: Iterable[Row], cluster_of: Mapping[str, int]) -> dict[str, tuple[float, int]]:
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.tier != "original":
            found[row.transform].append(cluster_of[row.file] == cluster_of[row.base])
    return {transform: (sum(hits) / len(hits), len(hits)) for transform, hits in found.items()}


def _pairs(counts: Iterable[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0
