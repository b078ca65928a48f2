"""No credential and no query ever reaches a log line, an error or a traceback, whatever happens."""

import io
import logging
import traceback
from collections.abc import Iterator

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from lookalike_tools import Credentials, DuplicatesQuery, ExploreClient, find_duplicates
from tests.explore_servers import Heard, Server, copies, listening, quirky, single

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_waiting")]

KEY, SECRET = "key-0123456789", "secret-that-nobody-may-ever-see-anywhere"
SIGNATURE = "signature-of-a-presigned-link"


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger that exists is at DEBUG, as someone looking for a fault would set it."""
    loggers = [it for it in logging.root.manager.loggerDict.values() if isinstance(it, logging.Logger)]
    # The stand-in's own access log is not ours to keep clean.
    kept = [(logger, logger.level) for logger in loggers if not logger.name.startswith("uvicorn")]
    for logger, _ in kept:
        logger.setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    yield caplog
    for logger, level in kept:
        logger.setLevel(level)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and every other that hangs on to it."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


@pytest.mark.parametrize(
    "quirk",
    [
        "gzip",
        "always_401",
        "always_422",
        "always_503",
        "resets_before_headers",
        "resets_mid_body",
        "no_headers",
        "html",
        "redirects_once",
        "redirects_to_another_host",
        "redirects_to_another_port",
        "session_cookie",
    ],
)
@pytest.mark.parametrize("credentials", [Credentials(api_key=KEY, api_secret=SECRET), Credentials(token=SECRET)])
async def test_no_log_line_error_or_repr_shows_a_credential_or_a_query(
    quirk: str, credentials: Credentials, everything_logged: pytest.LogCaptureFixture
) -> None:
    sent: set[str] = set()
    said = [repr(credentials), str(credentials)]
    raised: list[BaseException] = []
    with listening(overheard(quirky(Server([copies("a")], [single("s")]).app(), quirk), sent)) as url:
        async with ExploreClient.for_server(url, credentials, deadline=1) as explore:
            for asked in (
                find_duplicates(explore, DuplicatesQuery(), Heard(), 0),
                explore.download(f"{url}/export.zip?sig={SIGNATURE}", "an export", longest=10, to=io.BytesIO()),
            ):
                try:
                    await asked
                except Exception as error:  # noqa: BLE001  (whatever comes must not show anything)
                    raised += chain(error)
                    said += traceback.format_exception(error)
        said += [repr(explore), repr(vars(explore))]
    said += [text for link in raised for text in (str(link), repr(link), repr(link.args))]
    everything = "\n".join([*said, everything_logged.text, *(repr(it.__dict__) for it in everything_logged.records)])
    assert sent
    # An error of the HTTP library would hold the request, and with it the credential.
    assert not [link for link in raised if type(link).__module__.startswith(("httpx", "httpcore"))]
    for secret in (KEY, SECRET, SIGNATURE, "vql=", *sent):
        assert secret not in everything


def overheard(app: ASGIApp, sent: set[str]) -> ASGIApp:
    """`app`, with every token that was sent."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        sent.update(
            value.decode().removeprefix("Bearer ") for name, value in scope["headers"] if name == b"authorization"
        )
        await app(scope, receive, send)

    return answer
