"""The credential of a server: how it is made, renewed, and given up."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

import jwt
import pytest
from jwt.types import Options
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike_tools import Credentials, DuplicatesQuery, ExploreClient, find_duplicates
from lookalike_tools.errors import Unauthorized, WrongSettings
from tests.explore_servers import DATASET_ID, Heard, Server, copies, listening, single
from tests.loopback import served

pytestmark = pytest.mark.anyio

KEY, SECRET = "key-0123456789", "secret-that-nobody-may-ever-see-anywhere"
PAIR = Credentials(api_key=KEY, api_secret=SECRET)


def signed(now: Callable[[], float] = time.time) -> Callable[[Request], Response | None]:
    """The documented cloud's check of the token, by the server's own clock."""

    def guard(request: Request) -> Response | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            header = jwt.get_unverified_header(token)
            unchecked: Options = {"verify_exp": False, "verify_iat": False}
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="sdk", options=unchecked)
        except jwt.PyJWTError:
            return Response('{"detail": "invalid"}', 401)
        known = scheme == "Bearer" and header["alg"] == "HS256" and header["kid"] == KEY == claims["sub"]
        valid = claims["iat"] <= now() < claims["exp"] <= claims["iat"] + 600
        return None if known and valid else Response("{}", 401)

    return guard


def vendor(guard: Callable[[Request], Response | None]) -> Server:
    return Server([copies("a"), copies("b")], [single("s")], guard=guard)


def dated(app: ASGIApp, now: Callable[[], float]) -> ASGIApp:
    """`app` on a machine whose clock shows `now`."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"date", formatdate(now(), usegmt=True).encode())]
            await send(message)

        await app(scope, receive, stamped)

    return answer


async def test_tokens_are_signed_as_documented_and_used_again() -> None:
    server = vendor(signed())
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, PAIR) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.status == "ready"
    assert len({request.headers["authorization"] for request in server.requests}) == 1


async def test_a_ready_token_is_sent_as_it_is() -> None:
    server = vendor(lambda _request: None)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, Credentials(token="abc.def.ghi")) as explore:
            await explore.datasets()
    assert server.requests[0].headers["authorization"] == "Bearer abc.def.ghi"


async def test_a_ready_token_that_is_refused_is_not_sent_again() -> None:
    server = vendor(lambda _request: Response("{}", 401))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, Credentials(token="abc.def.ghi")) as explore:
            with pytest.raises(Unauthorized, match="or token"):
                await explore.datasets()
    assert len(server.requests) == 1


async def test_a_token_is_renewed_before_it_expires_even_by_a_clock_that_is_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    server = vendor(signed(lambda: now + 45))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, PAIR) as explore:
            for later in (0, 500, 60, 440):
                now += later
                await explore.dataset(DATASET_ID)
    first, second, third, fourth = (request.headers["authorization"] for request in server.requests)
    assert first == second != third == fourth


async def test_after_a_401_a_token_is_minted_once_more() -> None:
    refusals = [Response("{}", 401)]
    server = vendor(lambda _request: refusals.pop() if refusals else None)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, PAIR) as explore:
            assert len(await explore.datasets()) == 1
    assert len(server.requests) == 2


async def test_a_second_401_is_an_error_that_says_what_to_do() -> None:
    server = vendor(lambda _request: Response("{}", 401))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, PAIR) as explore:
            with pytest.raises(Unauthorized, match="Make a new API key"):
                await explore.datasets()
    assert len(server.requests) == 2


async def test_a_server_that_wants_a_credential_where_none_is_set_says_so() -> None:
    with listening(vendor(signed()).app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(Unauthorized, match=r"none is set.*Set an API key"):
                await explore.datasets()


@pytest.mark.parametrize("ahead", [-25, 45])
async def test_a_clock_that_is_a_little_off_is_not_even_noticed(ahead: int) -> None:
    server = vendor(signed(lambda: time.time() + ahead))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, PAIR) as explore:
            await explore.datasets()
    assert len(server.requests) == 1


@pytest.mark.parametrize("ahead", [-7200, -120, 700, 7200])
async def test_tokens_are_dated_by_the_server_where_its_clock_shows_another_time(ahead: int) -> None:
    def now() -> float:
        return time.time() + ahead

    server = vendor(signed(now))
    with served(dated(server.app(), now), log_level="critical", dates=False) as url:
        async with ExploreClient.for_server(url, PAIR) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.status == "ready"
    # The first one was refused; what was learnt from that holds for all the others.
    assert len({request.headers["authorization"] for request in server.requests}) == 2
    assert len(server.questions("/datasets")) == 2
    assert len(server.questions(f"/dataset/{DATASET_ID}")) == 1


async def test_a_401_for_many_calls_at_once_leads_to_one_new_token() -> None:
    outdated: set[str] = set()

    def guard(request: Request) -> Response | None:
        outdated.update([request.headers["authorization"]] if not outdated else [])
        return Response("{}", 401) if request.headers["authorization"] in outdated else None

    # Its clock is far enough away that the new token differs from the old one within the same second.
    server = vendor(guard)
    with served(dated(server.app(), lambda: time.time() + 900), log_level="critical", dates=False) as url:
        async with ExploreClient.for_server(url, PAIR) as explore:
            await asyncio.gather(*(explore.dataset(DATASET_ID) for _ in range(20)))
    sent = [request.headers["authorization"] for request in server.requests]
    assert len(set(sent)) == 2
    # No more than those that were under way at once had to be sent again.
    assert len(sent) <= 26


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"api_key": "k"},
        {"api_secret": "s"},
        {"api_key": "k", "api_secret": "s", "token": "t"},
        {"token": "a\nb"},
        {"token": ""},
        {"api_key": "k", "api_secret": "not UTF-8: \udcff"},
        {"api_key": "k", "api_secret": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
    ],
)
async def test_credentials_that_cannot_be_used_are_refused_without_repeating_them(given: dict[str, str]) -> None:
    with pytest.raises(WrongSettings) as caught:
        Credentials(**given)
    assert "PUBLIC" not in repr(caught.value)
