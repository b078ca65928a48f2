"""The client as its users meet it: addresses, ids, and what it remembers."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from lookalike_tools import Credentials, DuplicatesQuery, ExploreClient, LookalikeError, find_duplicates
from lookalike_tools.errors import Forbidden, ServerFailed, WrongArgument, WrongSettings
from tests.explore_servers import DATASET_ID, Heard, Server, copies, engine, listening, quirky, single

pytestmark = pytest.mark.anyio


def vendor() -> Server:
    return Server([copies("a"), copies("b")], [single("s")])


async def test_one_page_that_is_refused_ends_the_whole_reading() -> None:
    def forbidden(request: Request) -> Response | None:
        return Response("{}", 403) if request.query_params.get("page_number") == "2" else None

    server = Server([copies(f"a{i}") for i in range(450)], [single("s")], guard=forbidden)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(Forbidden):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://explore.example",
        "ftp://explore.example",
        "https://user:pass@explore.example",
        "https://explore.example/?x=1",
        "explore.example",
        "https://[",
        "https://xn--",
        "https://\ud800.example",
        "https://explore.example/\x00",
        "http://127.0.0.1.evil.example",
    ],
)
async def test_an_unsafe_base_url_is_refused_without_repeating_it(base_url: str) -> None:
    with pytest.raises(WrongSettings) as caught:
        ExploreClient.for_server(base_url)
    assert "pass" not in str(caught.value)


async def test_http_is_possible_on_loopback_or_when_allowed() -> None:
    for explore in (
        ExploreClient.for_server("http://localhost:1"),
        ExploreClient.for_server("http://[::1]:1/"),
        ExploreClient.for_server("http://explore.example", allow_http=True),
    ):
        async with explore:
            assert not explore.is_local


async def test_a_base_url_may_have_a_path_of_its_own() -> None:
    server = vendor()
    with listening(Starlette(routes=[Mount("/visual/layer", server.app())])) as url:
        async with ExploreClient.for_server(f"{url}/visual/layer/", Credentials(token="t")) as explore:
            dataset = await explore.dataset(DATASET_ID)
    assert dataset.display_name == "pets"
    assert server.requests[0].url.path == f"/visual/layer/api/v1/dataset/{DATASET_ID}"


async def test_the_source_is_the_host() -> None:
    async with ExploreClient.for_server("https://explore.example/api/v1/") as explore:
        assert explore.source == "explore.example"
    async with ExploreClient.for_app(vendor().app()) as explore:
        assert explore.source == "local"


@pytest.mark.parametrize("identifier", ["..", "a/b", "%2e%2e", "a\r\nb", "a?b", "", "a#b", "ü", "a b", "x" * 65, "."])
async def test_an_id_that_would_change_the_path_never_leaves_the_process(identifier: str) -> None:
    server = vendor()
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(WrongArgument):
                await explore.dataset(identifier)
    assert server.requests == []


@pytest.mark.parametrize("wanted", ["../datasets", "%2e%2e/datasets", "a\r\nHost: evil", "pets/../../admin", "ü"])
async def test_a_dataset_by_a_hostile_name_asks_for_nothing_but_the_list(wanted: str) -> None:
    server = vendor()
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(LookalikeError):
                await find_duplicates(explore, DuplicatesQuery(dataset=wanted), Heard(), 0)
    assert {request.scope["raw_path"] for request in server.requests} == {b"/api/v1/datasets"}


async def test_the_list_of_datasets_is_kept_for_a_while_unless_a_fresh_one_is_wanted() -> None:
    server = vendor()
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            first = await explore.datasets()
            first.clear()
            assert len(await explore.datasets()) == 1
            assert len(server.requests) == 1
            server.others = [{"id": "another", "display_name": "birds"}]
            assert len(await explore.datasets(fresh=True)) == 2
            assert len(await explore.datasets()) == 2
    assert len(server.requests) == 2


async def test_a_list_that_could_not_be_read_is_not_kept() -> None:
    refusals = [Response("{}", 403)]
    server = vendor()
    server.guard = lambda _request: refusals.pop() if refusals else None
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(Forbidden):
                await explore.datasets()
            assert len(await explore.datasets()) == 1


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(("status", "body"), [(404, "{}"), (500, "{}"), (200, "<html>Please log in</html>")])
async def test_a_server_that_gives_no_counts_is_not_asked_for_them_with_every_question(status: int, body: str) -> None:
    def uncounted(request: Request) -> Response | None:
        return Response(body, status) if request.url.path.endswith("/exploration_metadata") else None

    server = Server([copies(f"a{i}") for i in range(150)], [single("s")], guard=uncounted)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            first = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
            asked = len(server.questions("/exploration_metadata"))
            second = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert asked > 0
    assert len(server.questions("/exploration_metadata")) == asked
    assert second.structured() == first.structured()


async def test_the_list_of_local_datasets_is_always_fresh() -> None:
    server = vendor()
    async with ExploreClient.for_app(server.app()) as explore:
        await explore.datasets()
        await explore.datasets()
    assert len(server.requests) == 2


async def test_a_cookie_is_never_sent_back() -> None:
    server = vendor()
    with listening(quirky(server.app(), "session_cookie")) as url:
        async with ExploreClient.for_server(url) as explore:
            await explore.datasets()
            await explore.dataset(DATASET_ID)
    assert len(server.requests) == 2
    assert all("cookie" not in request.headers for request in server.requests)


@pytest.mark.parametrize("kind", [RuntimeError, OSError, TimeoutError])
async def test_a_failure_inside_the_local_engine_is_an_error_of_ours_and_logged(
    kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_request: Request) -> Response:
        raise kind("deep inside")

    caplog.set_level(logging.ERROR)
    async with ExploreClient.for_app(Starlette(routes=[Route("/api/v1/datasets", broken)])) as explore:
        with pytest.raises(ServerFailed) as caught:
            await explore.datasets()
    assert "deep inside" not in str(caught.value)
    assert "deep inside" in caplog.text


async def test_the_engine_over_http_is_read_like_the_one_in_this_process() -> None:
    server = engine([])
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.totals is not None
    assert answer.totals.bytes_removable == 84_123_456
