"""The two sets as a vendor's server would know them: from what is true of their pictures, not from any engine."""

from collections.abc import Iterable, Sequence

from tests.explore_servers import Collection, Entities, Group, Picture, image, in_order
from tests.explore_servers.export import document, exported, zipped
from tests.pictures import Truth

NEAR = 0.97
"""How alike the near copies of the set are, as these servers see it; exact copies are 1.0 alike."""

BEACH_TAG = "6d1b9a54-0000-4000-8000-000000000001"


def mixed(truth: Truth) -> Collection:
    """The mixed set. Its clusters at the coarsest level join scenes that are merely alike, copies among them."""

    def picture(path: str) -> Picture:
        named = "beach" in path
        return Picture(
            path,
            uniqueness=scores.get(path, 0.0),
            labels=frozenset({"beach", "sea"} if named else {"sea"} if "harbour" in path else ()),
            tags=frozenset({BEACH_TAG} if named else ()),
        )

    singles = sorted(truth.singles)
    scores = {path: (rank + 1) / (len(singles) + 0.5) for rank, path in enumerate(singles)}
    near = [[picture(path) for path in sorted(cluster)] for cluster in truth.clusters]
    exact = [[picture(path) for path in sorted(cluster)] for cluster in truth.exact]
    alone = [[picture(path)] for path in singles]
    scenes = [*near, *alone]
    # Copies next to a single image, and two duplicate clusters in one: neither may be taken for duplicates.
    coarse = [scenes[number] + scenes[-1 - number] for number in range(len(scenes) // 2)]
    coarse[:2] = [coarse[0] + coarse[1]]
    return Collection(
        "mixed",
        images=Entities(
            levels={0: _groups(coarse), 1: _groups(scenes)}, alike={NEAR: _groups(near), 1.0: _groups(exact)}
        ),
        objects=_faces(),
    )


def mixed_export(truth: Truth) -> bytes:
    """The export of the mixed set."""
    group = {path: f"group-{number}" for number, cluster in enumerate(truth.clusters) for path in cluster}
    items = [exported(path, group.get(path), media_id=image(path)["media_id"]) for path in sorted(truth.images)]
    return zipped(document(items))


def crowd(copies: int, singles: int) -> Collection:
    """Many copies of one picture, and many single images."""
    copied = Group.of(*(Picture(f"copies/{number:03}.png") for number in range(copies)))
    alone = [Picture(f"singles/{number:03}.png", (number + 1) / (singles + 0.5)) for number in range(singles)]
    every = in_order([copied, *map(Group.of, alone)])
    return Collection("crowd", images=Entities(levels={0: every}, alike={1.0: [copied]}))


def _faces() -> Entities:
    """Objects: one face three times, twice on one image, and another face."""
    same = [
        Picture(f"face {number}", on=path, labels=frozenset({"face"}))
        for number, path in enumerate(("holiday/beach.jpg", "holiday/beach.jpg", "web/beach.webp"))
    ]
    other = Picture("face 3", 0.9, on="holiday/harbour.jpg", labels=frozenset({"face"}))
    return Entities(levels={0: _groups([[*same, other]])}, alike={NEAR: _groups([same])})


def _groups(members: Iterable[Iterable[Picture]]) -> Sequence[Group]:
    return in_order(Group.of(*pictures) for pictures in members)
