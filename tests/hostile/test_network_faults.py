"""Connections that break, stall and lie: a right answer or an honest error, and nothing left open."""

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike_tools import DuplicatesQuery, ExploreClient, find_duplicates
from lookalike_tools.errors import BadAnswer, ServerTrouble, Unreachable
from tests.explore_servers import QUIRKS, Heard, Server, copies, listening, quirky, single
from tests.explore_servers.network import at_first, refusing

pytestmark = pytest.mark.anyio

OPEN_FILES = Path("/proc/self/fd")
needs_proc = pytest.mark.skipif(not OPEN_FILES.exists(), reason="open sockets are counted in /proc")


def vendor() -> Server:
    return Server([copies("a"), copies("b")], [single("s")])


def open_sockets() -> int:
    """Of this process, the stand-in's own ends included."""
    found = 0
    for entry in OPEN_FILES.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(entry.readlink()).startswith("socket:")
    return found


async def until_open_sockets_are(number: int) -> None:
    while open_sockets() != number:  # noqa: ASYNC110  (nothing tells when the last end of a connection is closed)
        await asyncio.sleep(0.01)


class Watched:
    """`app`, with what its callers do: `asked` how often, and whether one `hung_up`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked = 0
        self.reached, self.hung_up = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        self.reached.set()

        async def overheard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.hung_up.set()
            return message

        await self._app(scope, overheard, send)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("body", ["html", "truncated_json"])
async def test_a_web_page_in_place_of_an_answer_for_a_moment_is_survived(body: str) -> None:
    with listening(at_first(QUIRKS[body], 2)(vendor().app())) as url:
        async with ExploreClient.for_server(url) as explore:
            assert len(await explore.datasets()) == 1


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["resets_before_headers", "resets_mid_body", "closes_mid_body", "half_a_gzip"])
async def test_a_connection_that_breaks_a_few_times_is_survived(fault: str) -> None:
    with listening(at_first(QUIRKS[fault], 3)(vendor().app())) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.totals is not None
    assert answer.totals.clusters == 2


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", ["resets_before_headers", "resets_mid_body", "closes_mid_body"])
async def test_a_connection_that_always_breaks_is_an_error_that_says_so(fault: str) -> None:
    with listening(quirky(vendor().app(), fault)) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(Unreachable, match="the connection broke off; 5 times"):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


@pytest.mark.parametrize("fault", ["no_headers", "stalls_mid_body"])
async def test_a_server_that_falls_silent_once_is_asked_again(fault: str) -> None:
    with listening(at_first(QUIRKS[fault], 1)(vendor().app())) as url:
        async with ExploreClient.for_server(url, deadline=3) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.status == "ready"


@pytest.mark.parametrize("pace", ["slow_headers", "drips"])
async def test_a_slow_answer_is_an_answer(pace: str) -> None:
    with listening(quirky(vendor().app(), pace)) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.totals is not None
    assert answer.totals.clusters == 2


@pytest.mark.parametrize(
    "redirect",
    [
        "redirects_to_another_host",
        "redirects_without_a_scheme",
        "redirects_to_another_scheme",
        "redirects_to_another_port",
        "redirects_with_a_user",
    ],
)
async def test_no_redirect_leads_to_another_origin(redirect: str) -> None:
    # The other host is another name of this one, so whatever followed would be seen here.
    server = Watched(quirky(vendor().app(), redirect))
    with listening(server) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(BadAnswer, match="another scheme, host or port"):
                await explore.datasets()
    assert server.asked == 1


async def test_a_redirect_within_the_origin_is_followed() -> None:
    with listening(quirky(vendor().app(), "redirects_once")) as url:
        async with ExploreClient.for_server(url) as explore:
            assert len(await explore.datasets()) == 1


@pytest.mark.parametrize(
    ("redirect", "said"),
    [
        ("redirects_in_a_circle", "keeps redirecting"),
        ("redirects_to_nowhere", "redirects to nowhere"),
        ("redirects_to_no_name", "redirects to nowhere"),
    ],
)
async def test_a_redirect_that_leads_nowhere_is_left(redirect: str, said: str) -> None:
    with listening(quirky(vendor().app(), redirect)) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(BadAnswer, match=said):
                await explore.datasets()


async def test_a_redirect_that_drops_the_filters_is_not_followed_to_an_answer_about_everything() -> None:
    app = vendor().app()
    redirecting = quirky(app, "redirects_without_the_query")

    async def for_clusters(scope: Scope, receive: Receive, send: Send) -> None:
        is_filtered = "/explore/" in scope["path"] and scope["query_string"]
        await (redirecting if is_filtered else app)(scope, receive, send)

    with listening(for_clusters) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(BadAnswer, match="another question"):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


@needs_proc
@pytest.mark.parametrize("fault", ["no_headers", "stalls_mid_body", "drips_for_ever"])
async def test_a_cancelled_question_hangs_up_at_once_and_leaves_no_socket(fault: str) -> None:
    server = Watched(quirky(vendor().app(), fault))
    with listening(server) as url:
        before = open_sockets()
        async with ExploreClient.for_server(url) as explore:
            asking = asyncio.ensure_future(find_duplicates(explore, DuplicatesQuery(), Heard(), 0))
            await asyncio.to_thread(server.reached.wait)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await asyncio.to_thread(server.hung_up.wait)
            await until_open_sockets_are(before)
    assert server.asked == 1


@needs_proc
async def test_a_question_cancelled_while_it_waits_to_ask_again_asks_no_more() -> None:
    server = Watched(refusing(503, lambda: "30")(vendor().app()))
    with listening(server) as url:
        before = open_sockets()
        async with ExploreClient.for_server(url) as explore:
            asking = asyncio.ensure_future(explore.datasets())
            await asyncio.to_thread(server.reached.wait)
            await asyncio.wait([asking], timeout=0.05)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        await until_open_sockets_are(before)
    assert server.asked == 1


@needs_proc
async def test_questions_that_failed_in_every_way_leave_nothing_open() -> None:
    faults = ["no_headers", "stalls_mid_body", "resets_mid_body", "html", "gzip_bomb", "redirects_in_a_circle"]
    for fault in faults:
        with listening(quirky(vendor().app(), fault)) as url:
            before = open_sockets()
            async with ExploreClient.for_server(url, deadline=0.5) as explore:
                calls = (find_duplicates(explore, DuplicatesQuery(), Heard(), 0) for _ in range(8))
                outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(it, ServerTrouble) for it in outcomes), fault
            await until_open_sockets_are(before)
