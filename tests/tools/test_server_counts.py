"""Counts that the server makes itself: used where its pages bear them out, and nowhere else."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from lookalike_tools import DuplicatesAnswer, DuplicatesQuery, ExploreClient, find_duplicates
from tests.explore_servers import DATASET_ID, Heard, Json, Server, copies, listening, older_count, single

pytestmark = pytest.mark.anyio

Counts = Callable[[Server, list[Json], Request], Json]


def vendor(pairs: int = 1130, **changes: Any) -> Server:
    """Five clusters of nine, then pairs, then single images."""
    large = [copies(f"large{i}", 9) for i in range(5)]
    return Server([*large, *(copies(f"a{i}") for i in range(pairs))], [single(f"s{i}") for i in range(40)], **changes)


async def answered(server: Server) -> DuplicatesAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


def pages_asked(server: Server) -> list[int]:
    asked = [it for it in server.questions(f"/explore/{DATASET_ID}") if "vql" in it]
    return sorted(int(it["page_number"]) for it in asked)


def is_right(answer: DuplicatesAnswer, pairs: int = 1130) -> bool:
    assert answer.totals is not None
    return answer.complete and answer.totals.model_dump(exclude_none=True) == {
        "images": 45 + 2 * pairs + 40,
        "clustered": 45 + 2 * pairs,
        "single": 40,
        "clusters": 5 + pairs,
        "removable": 40 + pairs,
    }


async def test_a_server_that_counts_clusters_and_images_is_believed_without_reading_all_pages() -> None:
    server = vendor(counts=older_count)
    assert is_right(await answered(server))
    # The first page again, and at similarity 1.
    assert pages_asked(server) == [0, 0, 0, 11]


async def test_the_ids_of_a_list_that_is_not_read_whole_are_unique_over_all_its_pages() -> None:
    server = vendor(counts=older_count)
    for number, each in enumerate(server.duplicates):
        # Each shares its beginning with those that are 100 places away.
        each["cluster_id"] = f"{number % 100:08d}-0000-4000-8000-00000{number // 100:07d}"
    ids: list[str] = []
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(limit=100), Heard(), 0)
            ids += [it.id for it in answer.clusters or ()]
            answer = await find_duplicates(explore, DuplicatesQuery(limit=100, cursor=answer.next_cursor), Heard(), 0)
            ids += [it.id for it in answer.clusters or ()]
    assert len(ids) == len(set(ids)) == 200
    assert set(pages_asked(server)) == {0, 1, 2, 11}


async def test_where_only_clusters_are_counted_the_images_are_counted_over_all_pages() -> None:
    server = vendor()
    assert is_right(await answered(server))
    assert set(pages_asked(server)) == set(range(12))


async def test_counts_are_checked_once_as_long_as_they_stay_the_same() -> None:
    server = vendor(counts=older_count)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            for _ in range(3):
                assert is_right(await find_duplicates(explore, DuplicatesQuery(), Heard(), 0))
            assert pages_asked(server) == [0, 0, 0, 0, 0, 11]
            server.duplicates.pop()
            server.dataset = {"n_images": 45 + 2 * 1129 + 40}
            assert is_right(await find_duplicates(explore, DuplicatesQuery(), Heard(), 0), pairs=1129)


def unfiltered(server: Server, _clusters: list[Json], request: Request) -> Json:
    return older_count(server, [*server.duplicates, *server.singles], request)


def unfiltered_images(server: Server, clusters: list[Json], request: Request) -> Json:
    return {**older_count(server, clusters, request), "media_count": unfiltered(server, [], request)["media_count"]}


def too_few_images(_server: Server, clusters: list[Json], _request: Request) -> Json:
    return {"clusters_count": len(clusters), "media_count": len(clusters)}


def too_many_images(_server: Server, clusters: list[Json], _request: Request) -> Json:
    return {"clusters_count": len(clusters), "media_count": 8 * len(clusters)}


def a_page_less(_server: Server, clusters: list[Json], _request: Request) -> Json:
    return {"clusters_count": len(clusters) - 100, "media_count": 2 * len(clusters)}


@pytest.mark.parametrize("counts", [unfiltered, unfiltered_images, too_few_images, too_many_images])
@pytest.mark.parametrize("pairs", [10, 1130])
async def test_counts_that_the_pages_do_not_bear_out_are_not_used(counts: Counts, pairs: int) -> None:
    assert is_right(await answered(vendor(pairs, counts=counts)), pairs)


async def test_a_count_that_is_less_than_what_was_read_makes_the_answer_incomplete() -> None:
    answer = await answered(vendor(counts=a_page_less))
    assert answer.totals is not None
    assert answer.totals.clusters == 1135
    assert not answer.complete
    assert any("counts 1,035 clusters, and 1,135 were read" in note for note in answer.notes)


async def test_a_count_of_clusters_that_hold_single_images_is_not_used() -> None:
    server = vendor(counts=older_count, page_metadata={"applied_filters": ["duplicates"]})
    server.duplicates += server.singles
    with pytest.raises(Exception, match="cannot answer this"):
        await answered(server)
