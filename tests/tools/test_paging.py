"""Lists of many pages: read in order, side by side, within a budget, and not believed when they move meanwhile."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import anyio
import anyio.to_thread
import pytest
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lookalike_tools import DuplicatesAnswer, DuplicatesQuery, ExploreClient, find_duplicates
from lookalike_tools.counting import Count, count_clusters
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import honoured
from lookalike_tools.explore.models import Preview
from lookalike_tools.explore.paging import USUAL, Budget
from tests.explore_servers import DATASET_ID, Heard, Server, copies, listening, plain_count, single
from tests.explore_servers.network import hung_up

pytestmark = pytest.mark.anyio

SIMILAR = Filter("duplicates", 0.95, "IMAGES")
Hold = Callable[[int, Receive], Awaitable[None]]


def ordered(clusters: int, **changes: Any) -> Server:
    """Clusters in the order in which real servers list them, of a server that says that it filters."""
    return Server(
        sorted((copies(f"a{i}", 3) for i in range(clusters)), key=lambda it: str(it["cluster_id"])),
        [single(f"s{i}") for i in range(50)],
        dataset={"n_images": 50_000},
        page_metadata={"applied_filters": ["duplicates"]},
        **changes,
    )


async def answered(server: Server, **arguments: Any) -> DuplicatesAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_duplicates(explore, DuplicatesQuery(**arguments), Heard(), 0)


async def counted(app: ASGIApp, budget: Budget = USUAL) -> Count:
    with listening(app) as url:
        async with ExploreClient.for_server(url) as explore:
            dataset = await explore.dataset(DATASET_ID)
            return await count_clusters(dataset, await honoured(explore, dataset, SIMILAR, budget), Heard())


def when_page(server: Server, number: int, change: Callable[[], None]) -> None:
    """Makes the change once, right before that page of the duplicates is answered."""
    waiting = [change]

    def guard(request: Request) -> None:
        asked = request.query_params
        if asked.get("page_number") == str(number) and "vql" in asked and waiting:
            waiting.pop()()

    server.guard = guard


def holding(app: ASGIApp, hold: Hold) -> ASGIApp:
    """`app` with each page of clusters held back as long as `hold` lasts."""

    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        asked = Request(scope).query_params
        if "page_number" in asked and "vql" in asked:
            await hold(int(asked["page_number"]), receive)
        await app(scope, receive, send)

    return held


def removing(server: Server, index: int) -> Callable[[], None]:
    def remove() -> None:
        del server.duplicates[index]

    return remove


@pytest.mark.parametrize("counts", [plain_count, None])
@pytest.mark.parametrize(("pages", "asked", "index"), [(2, 1, 0), (3, 2, 50), (20, 1, 0), (20, 19, 520), (20, 19, 910)])
async def test_a_cluster_missed_because_the_list_moved_up_makes_the_answer_incomplete(
    counts: Any, pages: int, asked: int, index: int
) -> None:
    server = ordered(pages * 100 - 10, counts=counts)
    when_page(server, asked, removing(server, index))
    answer = await answered(server)
    assert not answer.complete
    assert any("changed while it was read" in note for note in answer.notes)


async def test_a_cluster_that_came_while_another_one_went_is_noticed() -> None:
    server = ordered(290)

    def exchange() -> None:
        server.duplicates[:1] = []
        server.duplicates.append(copies("new", 2))

    when_page(server, 2, exchange)
    answer = await answered(server)
    assert not answer.complete
    assert any("page 1 was another when looked at again" in note for note in answer.notes)


async def test_a_list_that_grew_before_its_next_page_shows_its_clusters_once_and_says_so() -> None:
    server = ordered(290)
    when_page(server, 2, lambda: server.duplicates.insert(0, copies("new", 9)))
    answer = await answered(server)
    assert not answer.complete
    assert answer.totals is not None
    assert answer.totals.clusters == 290
    assert any("1 clusters came twice" in note for note in answer.notes)


@pytest.mark.parametrize(("size", "first_id"), [(5, "f"), (3, "0")])
async def test_a_page_that_does_not_go_on_where_the_one_before_ended_is_noticed(size: int, first_id: str) -> None:
    server = ordered(190)

    def replace() -> None:
        ids = (f"{first_id}{number:07x}-0000-4000-8000-000000000000" for number in range(90))
        server.duplicates[100:] = [copies(f"b{i}", size, cluster_id=identifier) for i, identifier in enumerate(ids)]

    when_page(server, 1, replace)
    answer = await answered(server)
    assert not answer.complete
    assert any("came out of order" in note for note in answer.notes)


async def test_a_list_that_stays_as_it_is_is_complete_at_the_cost_of_few_looks() -> None:
    for counts in (plain_count, None):
        server = ordered(1990, counts=counts)
        answer = await answered(server)
        assert answer.complete
        numbers = [int(it["page_number"]) for it in server.questions(f"/explore/{DATASET_ID}") if "vql" in it]
        assert set(range(20)) <= set(numbers)
        assert len(numbers) <= 20 + 3 + (USUAL.at_once - 1 if counts is None else 0)


async def test_a_list_of_two_pages_is_counted_and_checked_with_few_requests() -> None:
    server = Server([copies(f"a{i}") for i in range(130)], [single("s")])
    assert (await answered(server)).complete
    asked = [
        (it.url.path.rpartition("/")[2], it.query_params.get("page_number"), "vql" in it.query_params)
        for it in server.requests
    ]
    counting, page = "exploration_metadata", DATASET_ID
    # Whether whole clusters lose images at similarity 1; in the end the second page, and the first one again.
    assert sorted(asked[2:4]) == [(page, "0", False), (page, "0", True)]
    assert sorted(asked[4:6]) == [(counting, None, False), (counting, None, True)]
    assert asked[6:] == [(page, "0", True), (page, "1", True), (page, "0", True)]


async def test_what_changed_while_it_was_read_is_read_anew_for_the_next_question() -> None:
    server = ordered(290)
    when_page(server, 2, removing(server, 0))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answers = [await find_duplicates(explore, DuplicatesQuery(), Heard(), 0) for _ in range(2)]
    assert [answer.complete for answer in answers] == [False, True]
    assert answers[1].totals is not None
    assert answers[1].totals.clusters == 289


@pytest.mark.parametrize("counts", [plain_count, None])
async def test_a_slow_page_holds_up_no_other_one(counts: Any) -> None:
    server = ordered(950, counts=counts)
    last_asked = asyncio.Event()

    async def slow_second(number: int, _receive: Receive) -> None:
        if number == 1:
            await last_asked.wait()
        elif number == 9:
            last_asked.set()

    count = await counted(holding(server.app(), slow_second))
    assert count.complete
    assert count.totals.clusters == 950


async def test_pages_that_come_in_another_order_are_listed_in_their_own() -> None:
    server = ordered(950)
    asked = [asyncio.Event() for _ in range(10)]

    async def pairs_reversed(number: int, _receive: Receive) -> None:
        asked[number].set()
        if number % 2 and number < 9:
            await asked[number + 1].wait()

    count = await counted(holding(server.app(), pairs_reversed))
    assert count.reading is not None
    assert [it.cluster_id for it in count.reading.clusters] == [it["cluster_id"] for it in server.duplicates]
    assert count.reading.clusters[940:][0].cluster_id == server.duplicates[940]["cluster_id"]
    assert count.reading.clusters[-1].previews[0].file_name == server.duplicates[-1]["previews"][0]["file_name"]


async def test_a_page_that_never_comes_ends_with_what_was_read_before_it() -> None:
    async def never_the_fourth(number: int, receive: Receive) -> None:
        if number == 3:
            await hung_up(receive)

    count = await counted(holding(ordered(950).app(), never_the_fourth), Budget(seconds=3))
    assert not count.complete
    assert count.totals.clusters == 300
    assert count.totals.single is None
    assert count.notes == [
        "The totals cover only the first 300 clusters (3 pages): the budget of 50 pages or 3 s was used up"
    ]


async def test_no_more_pages_are_read_than_the_budget_allows() -> None:
    server = ordered(950)
    count = await counted(server.app(), Budget(pages=4))
    assert count.totals.clusters == 400
    assert not count.complete
    assert {it["page_number"] for it in server.questions(f"/explore/{DATASET_ID}")} == set("0123")


async def test_a_list_that_the_budget_just_covers_is_complete_by_the_count() -> None:
    assert (await counted(ordered(400).app(), Budget(pages=4))).complete
    assert not (await counted(ordered(400, counts=None).app(), Budget(pages=4))).complete


async def test_a_caller_that_gives_up_leaves_no_request_behind() -> None:
    held: list[int] = []
    gone: list[int] = []
    all_held, all_gone = Event(), Event()

    async def until_hung_up(number: int, receive: Receive) -> None:
        if number == 0:
            return
        held.append(number)
        if len(held) == USUAL.at_once:
            all_held.set()
        await hung_up(receive)
        gone.append(number)
        if len(gone) == USUAL.at_once:
            all_gone.set()

    with listening(holding(ordered(950).app(), until_hung_up)) as url:
        async with ExploreClient.for_server(url) as explore, anyio.create_task_group() as tasks:
            tasks.start_soon(find_duplicates, explore, DuplicatesQuery(), Heard(), 0)
            assert await anyio.to_thread.run_sync(all_held.wait, 60)
            tasks.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(all_gone.wait, 60)
    assert sorted(gone) == sorted(held) == list(range(1, USUAL.at_once + 1))


async def test_a_page_that_fails_stops_the_reading_of_the_others() -> None:
    server = ordered(950)
    wrong = {"clusters": "none"}
    server.mend = lambda path, answer: wrong if len(answer.get("clusters", ())) == 50 and "explore" in path else answer
    with pytest.raises(Exception, match="in a form that is not the Explore API's"):
        await counted(server.app())


async def test_many_pages_do_not_keep_every_preview_in_memory() -> None:
    server = Server([copies(f"a{i}", 9) for i in range(1200)], [single("s")])
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            dataset = await explore.dataset(DATASET_ID)
            count = await count_clusters(dataset, await honoured(explore, dataset, SIMILAR), Heard())
            gc.collect()
            alive = sum(isinstance(it, Preview) for it in gc.get_objects())
    assert count.totals.clustered == 10_800
    # Those of the first page, which stands for the listing.
    assert alive <= 1000
