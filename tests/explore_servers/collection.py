"""What a stand-in serves: datasets described by what is true of their pictures, from which every answer follows."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, overload

from typing_extensions import override

from tests.explore_servers.contents import Json

Item = TypeVar("Item")


@dataclass(frozen=True)
class Picture:
    """An image, or an object on the image `on`. A picture that has a copy is not unique: 0."""

    path: str
    uniqueness: float = 0.0
    labels: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    on: str | None = None


@dataclass(frozen=True)
class Group:
    """Pictures that belong together, under an id that stays when a filter takes some of them away."""

    id: str
    pictures: tuple[Picture, ...]

    @classmethod
    def of(cls, *pictures: Picture) -> "Group":
        """A group with an id made of its members."""
        key = "|".join(sorted(picture.path for picture in pictures))
        return cls(str(uuid.uuid5(uuid.NAMESPACE_URL, key)), pictures)

    def those(self, keep: Callable[[Picture], bool]) -> "Group":
        """What a filter leaves of the group."""
        return Group(self.id, tuple(picture for picture in self.pictures if keep(picture)))


def in_order(groups: Iterable[Group]) -> Sequence[Group]:
    """Largest first, then by id, as servers list them."""
    return sorted(groups, key=lambda group: (-len(group.pictures), group.id))


@dataclass(frozen=True)
class OnDemand(Sequence[Item]):
    """`n` items, each made when it is looked at, so that a dataset of any size costs nothing until it is read."""

    n: int
    make: Callable[[int], Item]

    @override
    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...

    @override
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        numbers = range(self.n)[index]
        return self.make(numbers) if isinstance(numbers, int) else [self.make(number) for number in numbers]


@dataclass(frozen=True)
class Entities:
    """The images of a dataset, or its objects.

    `levels` are the clusters without a filter, by granularity level: alike at most, and every picture in one of them.
    `alike` are the duplicate clusters, by the highest similarity at which they still hold. Both come in order.
    """

    levels: Mapping[int, Sequence[Group]]
    alike: Mapping[float, Sequence[Group]] = field(default_factory=dict)

    def duplicates(self, similarity: float) -> Sequence[Group]:
        """The clusters whose every pair is at least `similarity` alike."""
        holding = [highest for highest in self.alike if highest >= similarity]
        return self.alike[min(holding)] if holding else ()

    @cached_property
    def pictures(self) -> Sequence[Picture]:
        """All of them, each once."""
        return [picture for group in self.levels[0] for picture in group.pictures]


@dataclass(frozen=True)
class Collection:
    """A dataset, with what its server says of it beyond the usual.

    `breaks`: the server fails at every question about its clusters.
    """

    name: str
    images: Entities
    objects: Entities | None = None
    described: Json = field(default_factory=dict)
    breaks: bool = False

    @property
    def id(self) -> str:
        """Made of the name."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"dataset {self.name}"))

    def entities(self, entity_type: str) -> Entities | None:
        """Its images or its objects; `None` where it has no such thing."""
        return self.objects if entity_type == "OBJECTS" else self.images

    def said(self) -> dict[str, Any]:
        """What its server says of it. A description with its own `n_images` saves the counting."""
        images = {} if "n_images" in self.described else {"n_images": len(self.images.pictures)}
        objects = 0 if self.objects is None else len(self.objects.pictures)
        return {**images, "n_objects": objects, **self.described}


def generated(name: str, clusters: int, *, copies: int = 3, singles: int = 0) -> Collection:
    """A dataset of any size: `clusters` of exact copies, then single images; its pages are made when asked for."""

    def group(number: int) -> Group:
        members = copies if number < clusters else 1
        pictures = tuple(Picture(f"{name}/{number:06}-{copy}.jpg", float(members == 1)) for copy in range(members))
        return Group(f"{number:08x}-0000-4000-8000-000000000000", pictures)

    every, alike = OnDemand(clusters + singles, group), OnDemand(clusters, group)
    return Collection(name, Entities({0: every}, {1.0: alike}), described={"n_images": clusters * copies + singles})
