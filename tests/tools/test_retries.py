"""Asking again, and when to stop."""

import asyncio
import time
from email.utils import formatdate

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lookalike_tools import ExploreClient
from lookalike_tools.errors import ServerFailed, TooManyRequests, Unreachable
from tests.explore_servers import DATASET_ID, QUIRKS, Server, copies, listening, quirky, single

pytestmark = pytest.mark.anyio


def vendor() -> Server:
    return Server([copies("a"), copies("b")], [single("s")])


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["burst_of_500", "burst_of_502", "burst_of_503", "busy"])
async def test_a_passing_failure_is_tried_again(fault: str) -> None:
    with listening(quirky(vendor().app(), fault)) as url:
        async with ExploreClient.for_server(url) as explore:
            assert len(await explore.datasets()) == 1


async def test_each_wait_is_longer_than_the_one_before() -> None:
    arrived: list[float] = []

    def failing_twice(_request: Request) -> Response | None:
        arrived.append(time.monotonic())
        return Response("{}", 503) if len(arrived) <= 2 else None

    with listening(Server([copies("a")], guard=failing_twice).app()) as url:
        async with ExploreClient.for_server(url) as explore:
            assert len(await explore.datasets()) == 1
    first, second, third = arrived
    assert second - first >= 0.2
    assert third - second >= 0.4


@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after_is_honoured_in_seconds_and_as_a_date(*, as_date: bool) -> None:
    allowed_from: list[float] = []
    arrived: list[float] = []

    def busy(_request: Request) -> Response | None:
        arrived.append(time.time())
        if allowed_from:
            return None
        allowed_from.append(int(time.time()) + 2 if as_date else time.time() + 1)
        wait = formatdate(allowed_from[0], usegmt=True) if as_date else "1"
        return Response("{}", 429, headers={"retry-after": wait})

    with listening(Server([copies("a")], guard=busy).app()) as url:
        async with ExploreClient.for_server(url) as explore:
            await explore.datasets()
    assert len(arrived) == 2
    assert arrived[1] >= allowed_from[0]


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("wait", ["soon", "nan", "-5", "1e999", "Thu, 99 Foo 2026 00:00:00 GMT", "0"])
async def test_a_retry_after_that_means_nothing_is_passed_over(wait: str) -> None:
    refusals = [Response("{}", 429, headers={"retry-after": wait})]
    server = Server([copies("a")], guard=lambda _request: refusals.pop() if refusals else None)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            assert len(await explore.datasets()) == 1


@pytest.mark.parametrize(("wait", "said"), [("3600", "60 min"), ("Fri, 31 Dec 9999 23:59:59 GMT", "more than a day")])
async def test_a_wait_beyond_the_deadline_is_not_begun_and_is_told(wait: str, said: str) -> None:
    server = vendor()
    server.guard = lambda _request: Response("{}", 429, headers={"retry-after": wait})
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(TooManyRequests, match=rf"asks to wait {said}\. Ask again in {said}"):
                await explore.datasets()
    assert len(server.requests) == 1


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(("status", "times"), [(503, 5), (500, 3)], ids=["passing", "perhaps a refusal"])
async def test_a_server_that_keeps_failing_is_given_up_with_how_often_it_failed(status: int, times: int) -> None:
    server = vendor()
    server.guard = lambda _request: Response("{}", status)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(ServerFailed, match=rf"\({status}\); {times} times in [0-9.]+ s"):
                await explore.datasets()
    assert len(server.requests) == times


async def test_the_deadline_says_what_failed_until_then() -> None:
    with listening(quirky(vendor().app(), "always_503")) as url:
        async with ExploreClient.for_server(url, deadline=0.4) as explore:
            with pytest.raises(ServerFailed, match=r"\(503\); it kept failing until the deadline of 0.4 s"):
                await explore.datasets()


@pytest.mark.parametrize("fault", ["no_headers", "stalls_mid_body", "drips_for_ever"])
async def test_a_server_that_never_answers_ends_at_the_deadline(fault: str) -> None:
    with listening(quirky(vendor().app(), fault)) as url:
        async with ExploreClient.for_server(url, deadline=0.5) as explore:
            with pytest.raises(Unreachable, match=r"0\.5 s.*raise the timeout"):
                await explore.datasets()


@pytest.mark.usefixtures("no_waiting")
async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with listening(vendor().app()) as url:
        pass
    async with ExploreClient.for_server(url, deadline=2) as explore:
        with pytest.raises(Unreachable, match="accepts no connection"):
            await explore.datasets()


@pytest.mark.usefixtures("no_waiting")
async def test_a_host_that_nobody_knows_is_unreachable() -> None:
    async with ExploreClient.for_server("https://nobody.invalid", deadline=1) as explore:
        with pytest.raises(Unreachable, match=r"nobody\.invalid cannot be reached"):
            await explore.datasets()


async def test_all_calls_of_a_question_share_one_deadline() -> None:
    silent, arrived = QUIRKS["no_headers"](vendor().app()), 0

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal arrived
        arrived += 1
        await silent(scope, receive, send)

    with listening(counting) as url:
        async with ExploreClient.for_server(url, deadline=0.5) as explore, explore.question():
            with pytest.raises(Unreachable):
                await explore.datasets()
            before = arrived
            assert before > 0
            # The time is up: what is asked now is not even sent.
            outcomes = await asyncio.gather(*(explore.dataset(DATASET_ID) for _ in range(3)), return_exceptions=True)
            assert [type(it) for it in outcomes] == [Unreachable] * 3
            async with explore.question():
                with pytest.raises(Unreachable):
                    await explore.datasets()
    assert arrived == before


async def test_a_new_question_has_its_own_deadline() -> None:
    app = vendor().app()
    silent, is_silent = QUIRKS["no_headers"](app), True

    async def mended_later(scope: Scope, receive: Receive, send: Send) -> None:
        await (silent if is_silent else app)(scope, receive, send)

    with listening(mended_later) as url:
        async with ExploreClient.for_server(url, deadline=1) as explore:
            async with explore.question():
                with pytest.raises(Unreachable):
                    await explore.datasets()
            is_silent = False
            async with explore.question():
                assert len(await explore.datasets()) == 1
