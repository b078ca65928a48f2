import logging
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate

import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from lookalike_tools import Credentials, DuplicatesQuery, ExploreClient, LookalikeError, find_duplicates
from lookalike_tools.errors import (
    BadAnswer,
    DatasetNotReady,
    Forbidden,
    NotFound,
    RefusedParameters,
    ServerFailed,
    TooManyRequests,
    Unauthorized,
    Unreachable,
    WrongArgument,
    WrongSettings,
)
from tests.explore_servers import DATASET_ID, Heard, Server, copies, engine, listening, single

pytestmark = pytest.mark.anyio

KEY, SECRET = "key-0123456789", "secret-that-nobody-may-ever-see-anywhere"


def signed(request: Request) -> Response | None:
    """The documented cloud's check of the token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="sdk")
    except jwt.PyJWTError:
        return Response('{"detail": "invalid"}', 401)
    known = scheme == "Bearer" and header["kid"] == KEY == claims["sub"]
    return None if known and 0 < claims["exp"] - claims["iat"] <= 600 else Response("{}", 401)


def vendor(**changes: object) -> Server:
    return Server([copies("a"), copies("b")], [single("s")], **changes)  # type: ignore[arg-type]  # the caller's fields


def answering(*responses: Callable[[], Response]) -> Callable[[Request], Response | None]:
    """Gives these responses first, then answers."""
    left = list(responses)
    return lambda _request: left.pop(0)() if left else None


async def test_tokens_are_signed_as_documented() -> None:
    server = vendor(guard=signed)
    with listening(server.app()) as url:
        credentials = Credentials(api_key=KEY, api_secret=SECRET)
        async with ExploreClient.for_server(url, credentials) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.status == "ready"
    assert len({request.headers["authorization"] for request in server.requests}) == 1


async def test_a_ready_token_is_sent_as_it_is() -> None:
    server = vendor()
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, Credentials(token="abc.def.ghi")) as explore:
            await explore.datasets()
    assert server.requests[0].headers["authorization"] == "Bearer abc.def.ghi"


async def test_after_a_401_a_token_is_minted_once_more() -> None:
    server = vendor(guard=answering(lambda: Response("{}", 401)))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, Credentials(api_key=KEY, api_secret=SECRET)) as explore:
            assert len(await explore.datasets()) == 1
    assert len(server.requests) == 2


async def test_a_second_401_is_an_error_that_says_what_to_do() -> None:
    server = vendor(guard=lambda _request: Response("{}", 401))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, Credentials(api_key=KEY, api_secret=SECRET)) as explore:
            with pytest.raises(Unauthorized, match="Make a new API key"):
                await explore.datasets()
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedParameters),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, DatasetNotReady),
        (422, RefusedParameters),
        (500, ServerFailed),
        (503, ServerFailed),
        (429, TooManyRequests),
    ],
)
@pytest.mark.parametrize(
    "body", ['{"detail": "EVIL TEXT"}', '{"detail": [{"loc": ["EVIL TEXT"], "msg": "EVIL TEXT"}]}', "EVIL"]
)
async def test_every_documented_status_is_an_error_without_upstream_words(
    status: int, kind: type[LookalikeError], body: str
) -> None:
    server = vendor(guard=lambda _request: Response(body, status, headers={"retry-after": "9999"}))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url, deadline=5) as explore:
            with pytest.raises(kind) as caught:
                await explore.dataset(DATASET_ID)
    assert type(caught.value) is kind
    assert "EVIL" not in str(caught.value)
    assert f"({status})" in caught.value.what
    assert caught.value.todo


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_passing_failure_is_tried_again(status: int) -> None:
    server = vendor(guard=answering(lambda: Response("{}", status), lambda: Response("{}", status)))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            assert len(await explore.datasets()) == 1
    assert len(server.requests) == 3


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

    with listening(vendor(guard=busy).app()) as url:
        async with ExploreClient.for_server(url) as explore:
            await explore.datasets()
    assert len(arrived) == 2
    assert arrived[1] >= allowed_from[0]


async def test_nothing_is_asked_twice_where_the_answer_will_not_change() -> None:
    server = vendor(guard=lambda _request: Response("{}", 403))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(Forbidden):
                await explore.datasets()
    assert len(server.requests) == 1


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with listening(vendor().app()) as url:
        pass
    async with ExploreClient.for_server(url, deadline=2) as explore:
        with pytest.raises(Unreachable, match=r"cannot be reached|did not answer"):
            await explore.datasets()


async def test_a_server_that_never_answers_ends_at_the_deadline() -> None:
    done = threading.Event()

    def stuck(_request: Request) -> Response | None:
        done.wait(20)
        return None

    with listening(vendor(guard=stuck).app()) as url:
        async with ExploreClient.for_server(url, deadline=0.5) as explore:
            with pytest.raises(Unreachable):
                await explore.datasets()
        done.set()


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    other = vendor()
    with listening(other.app()) as there:
        here = vendor(guard=lambda request: RedirectResponse(f"{there}{request.url.path}"))
        with listening(here.app()) as url:
            async with ExploreClient.for_server(url, Credentials(api_key=KEY, api_secret=SECRET)) as explore:
                with pytest.raises(BadAnswer, match="another host"):
                    await explore.datasets()
    assert other.requests == []


async def test_a_redirect_within_the_host_is_followed() -> None:
    server = vendor(guard=answering(lambda: RedirectResponse("/api/v1/datasets")))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            assert len(await explore.datasets()) == 1


async def test_a_server_that_keeps_redirecting_is_left() -> None:
    server = vendor(guard=lambda request: RedirectResponse(request.url.path))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(BadAnswer, match="keeps redirecting"):
                await explore.datasets()


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


async def test_the_source_is_the_host() -> None:
    async with ExploreClient.for_server("https://explore.example/api/v1/") as explore:
        assert explore.source == "explore.example"
    async with ExploreClient.for_app(vendor().app()) as explore:
        assert explore.source == "local"


@pytest.mark.parametrize("identifier", ["..", "a/b", "%2e%2e", "a\r\nb", "a?b", "", "a#b", "ü"])
async def test_an_id_is_checked_before_it_enters_a_path(identifier: str) -> None:
    server = vendor()
    async with ExploreClient.for_app(server.app()) as explore:
        with pytest.raises(WrongArgument):
            await explore.dataset(identifier)
    assert server.requests == []


@pytest.mark.parametrize(
    "given",
    [{}, {"api_key": "k"}, {"api_secret": "s"}, {"api_key": "k", "api_secret": "s", "token": "t"}, {"token": "a\nb"}],
)
async def test_incomplete_or_unsendable_credentials_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(WrongSettings):
        Credentials(**given)


async def test_no_log_line_error_or_repr_shows_a_credential_or_a_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    credentials = Credentials(api_key=KEY, api_secret=SECRET)
    said = [repr(credentials), str(credentials)]
    for guard in (lambda _request: None, lambda _request: Response("{}", 401), lambda _request: Response("{}", 422)):
        server = vendor(guard=guard)
        with listening(server.app()) as url:
            async with ExploreClient.for_server(url, credentials) as explore:
                try:
                    await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
                except LookalikeError as error:
                    said += [str(error), repr(error), *traceback.format_exception(error)]
        sent = server.requests[0].headers["authorization"].removeprefix("Bearer ")
        everything = "\n".join([*said, caplog.text, *(repr(record.__dict__) for record in caplog.records)])
        for secret in (KEY, SECRET, sent, "vql="):
            assert secret not in everything


async def test_a_failure_inside_the_local_engine_is_an_error_of_ours_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("deep inside")

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
