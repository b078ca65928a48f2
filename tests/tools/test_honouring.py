"""Whether a server honours a filter: found out where it can be, with few requests, and never taken for granted."""

from collections.abc import Sequence
from typing import Any

import pytest

from lookalike_tools import DuplicatesQuery, ExploreClient, UniqueQuery, find_duplicates, find_unique
from lookalike_tools.errors import CannotAnswer
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import Honoured, honoured
from lookalike_tools.explore.verdicts import Verdicts
from tests.explore_servers import (
    DATASET_ID,
    Collection,
    Entities,
    Group,
    Heard,
    Picture,
    Server,
    StandIn,
    cloud,
    copies,
    generated,
    in_order,
    listening,
    single,
)

pytestmark = pytest.mark.anyio

SIMILAR = Filter("duplicates", 0.95, "IMAGES")
UNIQUE = Filter("uniqueness", 0.8, "IMAGES")


def vendor(groups: int, singles: int, **changes: Any) -> Server:
    return Server([copies(f"a{i}", 3) for i in range(groups)], [single(f"s{i}") for i in range(singles)], **changes)


def pictures(name: str, n: int, **known: Any) -> list[Picture]:
    return [Picture(f"{name}-{i}.jpg", **known) for i in range(n)]


def served(images: Entities, *more: str) -> StandIn:
    return cloud(Collection("pets", images), more=more, without=("bearer_token",))


async def found(server: Server | StandIn, wanted: Filter) -> Honoured:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await honoured(explore, (await explore.datasets())[0], wanted)


def pages_asked(server: Server) -> int:
    return len(server.questions(f"/explore/{DATASET_ID}"))


@pytest.mark.parametrize("groups", [100, 101, 150, 200, 299, 300, 301, 700, 1700])
@pytest.mark.parametrize("singles", [1, 5, 240])
async def test_a_server_that_honours_is_told_from_one_that_ignores_however_many_clusters_come_first(
    groups: int, singles: int
) -> None:
    honest = vendor(groups, singles, counts=None)
    assert (await found(honest, SIMILAR)).wanted.spelling == "vql"
    assert pages_asked(honest) <= 24
    ignoring = vendor(groups, singles, counts=None, honours=frozenset())
    with pytest.raises(CannotAnswer):
        await found(ignoring, SIMILAR)
    # Both spellings are tried.
    assert pages_asked(ignoring) <= 48


async def test_a_server_of_duplicates_only_is_told_by_its_answers_to_another_similarity() -> None:
    near = Group.of(*pictures("near", 4))
    exact = Group.of(*near.pictures[:2])
    server = served(Entities({0: [near]}, {0.97: [near], 1.0: [exact]}))
    assert (await found(server, SIMILAR)).listing.first.clusters[0].n_images == 4


async def test_a_server_of_duplicates_only_that_answers_every_value_alike_cannot_answer() -> None:
    with pytest.raises(CannotAnswer, match="the same with and without it"):
        await found(vendor(3, 0), SIMILAR)


def only_filtering(*more: str, groups: Sequence[Group] = ()) -> StandIn:
    """Similarity clusters of four, in each of which two images are copies of two images of another cluster."""
    similar = in_order(groups or [Group.of(*pictures(f"scene{i}", 4)) for i in range(6)])
    pairs = zip(similar[::2], similar[1::2], strict=True)
    alike = [Group.of(*one.pictures[:2], *other.pictures[:2]) for one, other in pairs]
    return served(Entities({0: similar}, {0.99: alike}), *more)


async def test_clusters_that_are_merely_filtered_are_not_taken_for_duplicates() -> None:
    with pytest.raises(CannotAnswer, match="only leaves images out of the clusters") as caught:
        await found(only_filtering("only_filters"), Filter("duplicates", 0.7, "IMAGES"))
    assert "pets" in str(caught.value)
    assert "newer Explore server" in caught.value.todo
    sound = await found(only_filtering(), Filter("duplicates", 0.7, "IMAGES"))
    assert [cluster.n_images for cluster in sound.listing.first.clusters] == [4, 4, 4]


async def test_clusters_that_lose_images_only_at_a_higher_similarity_are_merely_filtered_too() -> None:
    scene = Group.of(*pictures("scene", 4))
    server = served(Entities({0: [scene]}, {0.97: [scene], 1.0: [Group.of(*scene.pictures[:2])]}), "only_filters")
    with pytest.raises(CannotAnswer, match="only leaves images out of the clusters"):
        await found(server, SIMILAR)


async def test_the_same_clusters_in_another_order_are_no_sign_that_a_filter_works() -> None:
    server = vendor(3, 0, counts=None)
    turns = 0

    def reversing(path: str, answer: Any) -> Any:
        nonlocal turns
        if not path.endswith(f"/explore/{DATASET_ID}"):
            return answer
        turns += 1
        return {**answer, "clusters": answer["clusters"][:: -1 if turns % 2 else 1]}

    server.mend = reversing
    with pytest.raises(CannotAnswer):
        await found(server, SIMILAR)


async def test_a_server_that_was_upgraded_is_noticed_once_its_verdict_has_expired() -> None:
    server = vendor(3, 5, honours=frozenset())
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            for lifetime, asks_again in ((600, False), (0, True)):
                explore.honoured = Verdicts(lifetime)
                with pytest.raises(CannotAnswer):
                    await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
                asked = pages_asked(server)
                with pytest.raises(CannotAnswer):
                    await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
                assert (pages_asked(server) > asked) == asks_again
            server.honours = frozenset({"vql"})
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.totals is not None
    assert answer.totals.clusters == 3


async def test_what_was_found_out_about_a_filter_is_not_asked_again() -> None:
    server = vendor(300, 5, counts=None)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            dataset = (await explore.datasets())[0]
            await honoured(explore, dataset, SIMILAR)
            asked = pages_asked(server)
            await honoured(explore, dataset, SIMILAR)
    assert pages_asked(server) == asked + 1


@pytest.mark.parametrize("singles", [3, 150])
async def test_a_server_that_ignores_uniqueness_never_has_all_its_images_called_unique(singles: int) -> None:
    for counts in (None, Server().counts):
        with pytest.raises(CannotAnswer, match="uniqueness"):
            await found(vendor(0, singles, counts=counts, honours=frozenset()), UNIQUE)


async def test_all_images_are_unique_where_the_server_tells_that_value_from_another() -> None:
    server = served(Entities({0: in_order(Group.of(it) for it in pictures("odd", 5, uniqueness=0.9))}))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_unique(explore, UniqueQuery(), Heard(), 0)
    assert answer.totals is not None
    assert (answer.totals.images, answer.totals.at_or_above) == (5, 5)


async def test_a_server_that_stops_honouring_uniqueness_is_noticed_when_all_its_images_come_back() -> None:
    server = Server([copies("a")], [single(f"s{i}") for i in range(5)])
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_unique(explore, UniqueQuery(), Heard(), 0)
            assert answer.totals is not None
            assert answer.totals.at_or_above == 5
            server.honours = frozenset()
            with pytest.raises(CannotAnswer, match="uniqueness"):
                await find_unique(explore, UniqueQuery(), Heard(), 0)


async def test_a_dataset_of_250_pages_is_recognised_by_its_end() -> None:
    server = cloud(generated("many", 3000, singles=40), without=("bearer_token",))
    assert (await found(server, SIMILAR)).listing.expected == 3000
