"""Servers made up at random from a seed: contents of which the truth is known, behind quirks that go together."""

import random
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from tests.explore_servers import CLOUD, ON_PREMISES, Collection, Entities, Group, Picture, StandIn, in_order, listening
from tests.explore_servers.bodies import NAMES
from tests.explore_servers.contents import image
from tests.explore_servers.export import Exporting, document, exported, zipped

SIMILARITIES = (1.0, 0.97, 0.9)
"""At which the duplicate clusters change: exact copies, near ones, and pairs of near clusters together."""

EXPORTED_AT = 0.97
CONFIDENCES = (0.99, 0.93, 0.4)

NETWORK = ("slow_headers", "drips", "redirects_once", "burst_of_500", "busy")
MOVING = ("pages_shift", "pages_repeat")
LYING = ("one_id_for_all", "clusters_twice", *MOVING)
NAMING = tuple(f"names_{name}" for name in NAMES if name != "long")  # A page of those has 20 MB.
OLDER = (
    "sizes_for_half",
    "serves_members",
    "host_relative_thumbnails",
    "counts_nobody_keeps",
    "labels_as_counts",
    "no_page_metadata",
    "older_counts",
    "older_statuses",
    "fails_where_it_should_refuse",
    "thresholds_and_bytes",
)
SHUFFLING = ("shuffles_equals",)
NOT_FILTERING = ("ignores_filters", "only_filters")
_OUTSIDE_IN = (*NETWORK, "gzip", "session_cookie", *LYING)


@dataclass(frozen=True)
class Scene:
    """Pictures of one thing: `copies` are alike, the first `exact` of them equal; `alone` merely look similar."""

    copies: tuple[Picture, ...]
    exact: int
    alone: tuple[Picture, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return (*self.copies, *self.alone)


@dataclass(frozen=True)
class RandomServer:
    """A stand-in with one dataset, the quirks that it has by name, and its export, where it has one."""

    collection: Collection
    quirks: tuple[str, ...]
    confidence: Mapping[Picture, float]
    export: Exporting | None = None
    exported: frozenset[Picture] = frozenset()

    @contextmanager
    def listening(self) -> Generator[str]:
        """The base URL."""
        stand_in = StandIn((self.collection,), self.quirks)
        if self.export is None:
            with listening(stand_in.app()) as url:
                yield url
        else:
            with self.export.listening(stand_in) as url:
                yield url

    def has(self, quirks: Iterable[str]) -> bool:
        """Whether it has one of them."""
        return not set(quirks).isdisjoint(self.quirks)

    def groups(self, similarity: float) -> list[frozenset[Picture]]:
        """The true duplicate groups."""
        return [frozenset(group.pictures) for group in self.collection.images.duplicates(similarity)]

    def exported_groups(self, similarity: float) -> list[frozenset[Picture]]:
        """Those of the export, without the images that it is not as sure of as `similarity`."""
        sure = {it for it in self.exported if self.confidence[it] >= similarity}
        return [group & sure for group in self.groups(EXPORTED_AT) if len(group & sure) > 1]

    @cached_property
    def copied(self) -> frozenset[Picture]:
        """Every picture that has a copy."""
        return frozenset().union(*self.groups(min(SIMILARITIES)))

    def unique(self, uniqueness: float) -> frozenset[Picture]:
        """The pictures that score above `uniqueness`."""
        return frozenset(it for it in self.collection.images.pictures if it.uniqueness > uniqueness)


def random_server(seed: int) -> RandomServer:
    """The same server for the same seed."""
    draw = random.Random(seed)
    scenes = list(_scenes(draw))
    collection = Collection("pets", Entities({0: _similar(draw, scenes)}, _alike(draw, scenes)))
    confidence = {it: draw.choices(CONFIDENCES, (20, 2, 1))[0] for it in collection.images.pictures}
    quirks = tuple(it for it in _quirks(draw) if it != "only_filters" or _shows_that_it_only_filters(collection.images))
    server = RandomServer(collection, quirks, confidence)
    return _with_export(draw, server) if draw.random() < 0.5 else server


def _scenes(draw: random.Random) -> Iterator[Scene]:
    clusters = draw.choice((0, 1, 5, draw.randrange(95, 106), draw.randrange(110, 280)))
    singles = draw.choice((0, 0, 1, 6, draw.randrange(90, 130)))
    folders = draw.choice((("",), ("train/", "test/"), ("a/b/", "a/c/", "a/")))
    number = iter(range(10**6))

    def picture(unique: float = 0.0) -> Picture:
        name = draw.choice(("", "", " copy (1)", " ü", ",b", '"', "\u202e", "\n"))
        labels = draw.sample(("sea", "beach", "cat"), draw.randrange(3))
        return Picture(f"{draw.choice(folders)}{next(number):05}{name}.jpg", unique, frozenset(labels))

    alike_only, all_exact = draw.random() < 0.3, draw.random() < 0.2
    for _ in range(clusters):
        size = draw.choices((2, 3, 4, draw.randrange(8, 30), draw.randrange(99, 240)), (60, 20, 12, 7, 1))[0]
        merely = 0 if alike_only else draw.choices((0, 1, 3), (6, 3, 1))[0]
        exact = size if all_exact else draw.choice((0, 0, 2, size))
        yield Scene(
            tuple(picture() for _ in range(size)), exact, tuple(picture(draw.uniform(0.01, 1)) for _ in range(merely))
        )
    for _ in range(singles):
        yield Scene((), 0, (picture(draw.uniform(0.01, 1)),))


def _alike(draw: random.Random, scenes: Sequence[Scene]) -> dict[float, Sequence[Group]]:
    near = [Group.of(*scene.copies) for scene in scenes if scene.copies]
    exact = [Group.of(*scene.copies[: scene.exact]) for scene in scenes if scene.exact]
    looser = list(near)
    if len(near) > 1 and draw.random() < 0.5:
        looser = [Group.of(*near[0].pictures, *near[1].pictures), *near[2:]]
    return dict(zip(SIMILARITIES, map(in_order, (exact, near, looser)), strict=True))


def _similar(draw: random.Random, scenes: Sequence[Scene]) -> Sequence[Group]:
    """What the server shows without a filter: the scenes, some of them joined, some of them torn apart."""
    left = list(scenes)
    draw.shuffle(left)
    join, tear = draw.choice(((0.0, 0.0), (0.3, 0.0), (0.9, 0.0), (0.3, 0.2)))
    groups: list[Group] = []
    while left:
        pictures = left.pop().pictures
        while left and draw.random() < join:
            pictures += left.pop().pictures
        half = len(pictures) // 2 if draw.random() < tear else 0
        groups += [Group.of(*part) for part in (pictures[:half], pictures[half:]) if part]
    return in_order(groups)


def _shows_that_it_only_filters(images: Entities) -> bool:
    """Whether a cluster loses some images at the strictest similarity: where all stay whole, nothing could tell."""
    copied = {picture for group in images.duplicates(1.0) for picture in group.pictures}
    return any(0 < sum(it in copied for it in group.pictures) < len(group.pictures) for group in images.levels[0])


def _quirks(draw: random.Random) -> tuple[str, ...]:
    base = draw.choice((CLOUD, ON_PREMISES))
    chosen = {name for name in base if name == "bearer_token" or draw.random() < 0.8} - {"ignores_filters"}
    chosen |= set(draw.sample(OLDER, draw.randrange(4)))
    chosen |= {draw.choice(NOT_FILTERING)} if draw.random() < 0.45 else set()
    chosen |= set(draw.sample(LYING, draw.choice((1, 1, 2)))) if draw.random() < 0.35 else set()
    chosen |= {draw.choice(NAMING)} if draw.random() < 0.15 else set()
    chosen |= {draw.choice(NETWORK)} if draw.random() < 0.25 else set()
    chosen |= {"ignores_entity_type"} if draw.random() < 0.2 else set()
    chosen |= set(SHUFFLING) if draw.random() < 0.2 else set()
    first = [name for name in _OUTSIDE_IN if name in chosen]
    return (*first, *sorted(chosen - set(first)))


def _with_export(draw: random.Random, server: RandomServer) -> RandomServer:
    numbered = enumerate(server.groups(EXPORTED_AT))
    group = {picture: f"group-{number:04}" for number, pictures in numbered for picture in pictures}
    similar = {it: cluster.id for cluster in server.collection.images.levels[0] for it in cluster.pictures}
    pictures = list(server.collection.images.pictures)
    draw.shuffle(pictures)
    kind = draw.choice(("sound", "sound", "sound", "plain", "rejected", "cut off", "some missing", "some twice"))
    if kind == "some missing":
        pictures = pictures[len(pictures) // 5 + 1 :]
    items = [
        exported(
            it.path,
            group.get(it),
            server.confidence[it],
            media_id=image(it.path)["media_id"],
            cluster_id=similar[it],
            file_size=f"{draw.randrange(1, 900)}.{draw.randrange(100):02}KB",
        )
        for it in pictures
    ]
    file = zipped(document(items))
    match kind:
        case "rejected":
            export = Exporting(polls=1, end="REJECTED", message="no\u202e space")
        case "cut off":
            export = Exporting(file[:-30], polls=1)
        case "some twice":
            export = Exporting(zipped(document(items + items[: len(items) // 3])), polls=1)
        case "plain":
            export = Exporting(document(items), polls=1)
        case _:
            export = Exporting(file, polls=1)
    return replace(server, export=export, exported=frozenset(pictures))
