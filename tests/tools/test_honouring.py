"""Whether a server honours a filter: found out where it can be, with few requests, and never taken for granted."""

from collections.abc import Callable, Sequence
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
    cluster,
    copies,
    dataset,
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
    assert pages_asked(honest) <= 25
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
    with pytest.raises(CannotAnswer, match="the same with and without the duplicates filter"):
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


async def test_clusters_that_are_merely_filtered_are_recognised_where_only_whole_ones_are_left_out() -> None:
    scene, single_image = Group.of(*pictures("scene", 4)), Group.of(*pictures("single", 1))
    pairs = in_order([Group.of(*scene.pictures[:2]), Group.of(*scene.pictures[2:])])
    images = Entities({0: [scene, single_image]}, {0.97: pairs, 1.0: pairs[:1]})
    with pytest.raises(CannotAnswer, match="only leaves images out of the clusters"):
        await found(served(images, "only_filters"), SIMILAR)
    assert [it.n_images for it in (await found(served(images), SIMILAR)).listing.first.clusters] == [2, 2]


async def test_clusters_that_are_merely_filtered_are_recognised_where_they_move_to_another_page() -> None:
    scenes = [Group.of(*pictures(f"scene{i}", 3)) for i in range(150)]
    similar = in_order([Group.of(*pictures("large", 3)), *scenes])
    # The first cluster loses an image, and with it its place on the first page.
    alike = [Group.of(*similar[0].pictures[:2]), *similar[1:]]
    images = Entities({0: similar}, {0.97: in_order(alike), 1.0: in_order(Group.of(*it.pictures[:2]) for it in alike)})
    with pytest.raises(CannotAnswer, match="only leaves images out"):
        await found(served(images, "only_filters"), SIMILAR)


async def test_clusters_that_are_merely_filtered_are_recognised_where_the_counts_alone_differ() -> None:
    scenes = in_order(Group.of(*pictures(f"scene{i}", 3)) for i in range(130))
    similar = [*scenes, Group.of(*pictures("other", 2))]
    images = Entities({0: similar}, {0.97: scenes, 1.0: in_order(Group.of(*it.pictures[:2]) for it in scenes)})
    with pytest.raises(CannotAnswer, match="only leaves images out"):
        await found(served(images, "only_filters"), SIMILAR)


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


@pytest.mark.parametrize("sizes", [[2] * 207, [5, 4, 3] + [2] * 120, [*range(101, 2, -1), 2, 2], [3] * 99 + [2, 2]])
@pytest.mark.parametrize("wanted", [SIMILAR, UNIQUE], ids=["duplicates", "uniqueness"])
async def test_clusters_of_one_size_in_random_order_are_no_sign_that_a_filter_works(
    sizes: list[int], wanted: Filter
) -> None:
    groups = [Group.of(*pictures(f"scene{i}", n)) for i, n in enumerate(sizes)]
    server = served(Entities({0: in_order(groups)}), "ignores_filters", "shuffles_equals")
    for _ in range(5):
        with pytest.raises(CannotAnswer):
            await found(server, wanted)


async def test_a_filter_is_recognised_by_what_random_order_cannot_explain() -> None:
    pairs = in_order(Group.of(*pictures(f"pair{i}", 2)) for i in range(130))
    singles = [Group.of(it) for it in pictures("single", 30, uniqueness=0.9)]
    server = served(Entities({0: [*pairs, *singles]}, {1.0: pairs}), "shuffles_equals")
    assert (await found(server, SIMILAR)).wanted == SIMILAR
    assert len((await found(server, UNIQUE)).listing.first.clusters) == 30


def when_asked(server: Server, times: int, change: Callable[[], None]) -> Server:
    """Makes the change once that many pages have been answered."""
    left = times

    def mend(path: str, answer: Any) -> Any:
        nonlocal left
        left -= path.endswith(f"/explore/{DATASET_ID}")
        if not left:
            left -= 1
            change()
        return answer

    server.mend = mend
    return server


@pytest.mark.parametrize("wanted", [SIMILAR, UNIQUE], ids=["duplicates", "uniqueness"])
@pytest.mark.parametrize("asked", range(1, 10))
@pytest.mark.parametrize("groups", [20, 130])
async def test_a_dataset_that_changed_between_two_looks_is_no_sign_that_a_filter_works(
    groups: int, asked: int, wanted: Filter
) -> None:
    server = vendor(groups, 0, counts=None, honours=frozenset())
    with pytest.raises(CannotAnswer):
        await found(when_asked(server, asked, lambda: server.duplicates.__delitem__(0)), wanted)


async def test_a_refusal_and_an_answer_that_stays_the_same_are_told_apart() -> None:
    with pytest.raises(CannotAnswer, match="it refuses the duplicates filter"):
        await found(vendor(3, 5, refuses=frozenset({"vql", "duplicate_threshold"})), SIMILAR)
    with pytest.raises(CannotAnswer, match="it answers the same with and without the duplicates filter"):
        await found(vendor(3, 5, refuses=frozenset({"vql"}), honours=frozenset()), SIMILAR)
    with pytest.raises(CannotAnswer, match="it refuses the uniqueness filter"):
        await found(vendor(3, 5, refuses=frozenset({"vql"})), UNIQUE)


async def test_a_cluster_of_no_images_is_no_duplicate() -> None:
    with pytest.raises(CannotAnswer):
        await found(Server([copies("a"), cluster([], 0)], [single("s")]), SIMILAR)


@pytest.mark.parametrize("quirk", ["one_id_for_all", "clusters_twice"])
async def test_clusters_that_are_merely_filtered_are_recognised_under_ids_that_repeat(quirk: str) -> None:
    with pytest.raises(CannotAnswer):
        await found(only_filtering(quirk, "only_filters"), Filter("duplicates", 0.7, "IMAGES"))


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


async def test_what_was_found_out_is_remembered_for_any_number_of_datasets() -> None:
    server = vendor(3, 5)
    server.others = [dataset(f"{number:08x}-0000-4000-8000-000000000000", f"pets {number}") for number in range(30)]
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            for _ in range(2):
                asked = len(server.requests)
                for each in await explore.datasets():
                    await honoured(explore, each, SIMILAR)
    # One page of each, and its count.
    assert len(server.requests) - asked == 2 * 31


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
