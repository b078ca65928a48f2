"""Links that a server hands out: followed without the credential, and only to where they may lead."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lookalike_tools import Credentials, ExploreClient, LookalikeError
from lookalike_tools.errors import BadAnswer, ServerFailed, TooManyRequests, Unreachable
from tests.explore_servers import QUIRKS, Server, listening, quirky
from tests.explore_servers.network import at_first

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_waiting")]

CONTENT = b"PK" + bytes(range(256)) * 100
LONGEST = 10**6


class Store:
    """A place for files, with links that hold as long as nobody sends more than the link."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def app(self) -> ASGIApp:
        return Starlette(
            routes=[
                Route("/export.zip", self._file),
                Route("/moved", lambda _request: RedirectResponse("/export.zip?sig=1")),
                Route("/away", lambda request: RedirectResponse(request.query_params["to"])),
            ]
        )

    def _file(self, request: Request) -> Response:
        self.requests.append(request)
        more = {"authorization", "cookie", "proxy-authorization"} & set(request.headers)
        if more or request.query_params.get("sig") != "1":
            return Response("<Error>Only one auth mechanism allowed</Error>", 400)
        return Response(CONTENT, media_type="application/zip")


@asynccontextmanager
async def asking(url: str, **settings: float) -> AsyncIterator[ExploreClient]:
    async with ExploreClient.for_server(url, Credentials(token="t"), **settings) as explore:  # type: ignore[arg-type]
        await explore.datasets()
        yield explore


async def fetched(explore: ExploreClient, link: str, longest: int = LONGEST) -> bytes:
    into = io.BytesIO()
    await explore.download(link, "the export of pets", longest=longest, to=into)
    return into.getvalue()


async def test_a_link_to_another_origin_is_fetched_without_credential_and_cookie() -> None:
    store = Store()
    with listening(store.app()) as elsewhere, listening(quirky(Server().app(), "session_cookie")) as url:
        async with asking(url) as explore:
            assert await fetched(explore, f"{elsewhere}/export.zip?sig=1") == CONTENT
    assert len(store.requests) == 1


async def test_a_link_that_redirects_is_followed() -> None:
    store = Store()
    with listening(store.app()) as elsewhere, listening(Server().app()) as url:
        async with asking(url) as explore:
            assert await fetched(explore, f"{elsewhere}/moved") == CONTENT


async def test_a_relative_link_is_relative_to_the_base_url_and_goes_without_credential() -> None:
    server, store = Server(), Store()
    server.more_routes.append(Route("/export.zip", store._file))
    with listening(server.app()) as url:
        async with asking(url) as explore:
            assert await fetched(explore, "/export.zip?sig=1") == CONTENT


@pytest.mark.parametrize("fault", ["burst_of_503", "busy", "resets_mid_body", "half_a_gzip"])
async def test_a_download_that_breaks_is_begun_again_from_where_it_was_to_be_written(fault: str) -> None:
    into = io.BytesIO(b"before")
    into.seek(0, io.SEEK_END)
    broken = at_first(QUIRKS[fault], 2)(Store().app())
    with listening(broken) as elsewhere, listening(Server().app()) as url:
        async with asking(url) as explore:
            await explore.download(f"{elsewhere}/export.zip?sig=1", "the export", longest=LONGEST, to=into)
    assert into.getvalue() == b"before" + CONTENT


@pytest.mark.parametrize("quirk", ["gzip", "drips"])
async def test_more_than_is_wanted_is_not_read(quirk: str) -> None:
    with listening(quirky(Store().app(), quirk)) as elsewhere, listening(Server().app()) as url:
        async with asking(url) as explore:
            with pytest.raises(BadAnswer, match="more than"):
                await fetched(explore, f"{elsewhere}/export.zip?sig=1", longest=1000)


async def test_a_small_body_that_unpacks_to_a_large_one_is_not_unpacked() -> None:
    with listening(quirky(Store().app(), "gzip_bomb")) as elsewhere, listening(Server().app()) as url:
        async with asking(url) as explore:
            with pytest.raises(BadAnswer, match="more than"):
                await fetched(explore, f"{elsewhere}/export.zip?sig=1")


@pytest.mark.parametrize(
    ("quirk", "kind", "said"),
    [
        ("always_401", BadAnswer, r"is refused \(401\)"),
        ("always_403", BadAnswer, r"is refused \(403\).*for a limited time"),
        ("always_404", BadAnswer, r"is refused \(404\)"),
        ("always_503", ServerFailed, r"\(503\)"),
        ("busy_for_an_hour", TooManyRequests, "60 min"),
        ("redirects_in_a_circle", BadAnswer, "keeps redirecting"),
        ("resets_before_headers", Unreachable, "link.*broke off"),
    ],
)
async def test_a_link_that_does_not_work_is_an_error_that_names_what_it_was_for(
    quirk: str, kind: type[LookalikeError], said: str
) -> None:
    with listening(quirky(Store().app(), quirk)) as elsewhere, listening(Server().app()) as url:
        async with asking(url) as explore:
            with pytest.raises(kind, match=said) as caught:
                await fetched(explore, f"{elsewhere}/export.zip?sig=hidden")
    assert "hidden" not in str(caught.value)
    assert "EVIL" not in str(caught.value)
    assert kind in {Unreachable, TooManyRequests} or "the export of pets" in caught.value.what


@pytest.mark.parametrize(
    "link",
    [
        "http://pictures.example/export.zip",
        "ftp://pictures.example/export.zip",
        "file:///etc/passwd",
        "https://user:word@pictures.example/export.zip",
        "https://",
        "https://169.254.169.254/latest/meta-data",
        "https://\u2028/",
        "https://xn--/",
        "https://\ud800/",
    ],
)
async def test_a_link_that_must_not_be_followed_is_not(link: str) -> None:
    with listening(Server().app()) as url:
        async with asking(url) as explore:
            with pytest.raises(BadAnswer) as caught:
                await fetched(explore, link)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    "link",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://[fe80::1]/",
        "http://127.0.0.1/",
    ],
)
async def test_a_server_out_there_cannot_make_us_look_around_our_own_machine_and_network(link: str) -> None:
    # A public address: nothing is sent there, because the link is refused before.
    async with ExploreClient.for_server("https://192.0.2.1.nip.invalid") as explore:
        with pytest.raises(BadAnswer, match="into this machine or its network"):
            await fetched(explore, link)


@pytest.mark.parametrize("link", ["https://127.0.0.1/", "https://localhost/", "https://169.254.169.254/"])
async def test_a_server_in_the_local_network_cannot_make_us_look_around_our_own_machine(link: str) -> None:
    async with ExploreClient.for_server("https://10.0.0.1") as explore:
        with pytest.raises(BadAnswer, match="into this machine or its network"):
            await fetched(explore, link)


async def test_a_redirect_of_a_link_is_checked_like_the_link() -> None:
    with listening(Store().app()) as elsewhere, listening(Server().app()) as url:
        async with asking(url) as explore:
            with pytest.raises(BadAnswer, match="not https"):
                await fetched(explore, f"{elsewhere}/away?to=http://pictures.example/export.zip")
            with pytest.raises(BadAnswer, match="redirects to nowhere"):
                await fetched(explore, f"{elsewhere}/away?to=https://xn--/")
