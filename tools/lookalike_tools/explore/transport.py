"""HTTP to one Explore server: the only module that knows httpx.

Every call is a GET, so every call may be repeated. The credential, cookies, redirects and body sizes are minded here.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import IO, Any, NoReturn

import httpx

from lookalike_tools.errors import (
    BadAnswer,
    LookalikeError,
    ServerFailed,
    TooManyRequests,
    Unreachable,
    WrongSettings,
)
from lookalike_tools.explore.address import is_loopback
from lookalike_tools.explore.credentials import Bearer, Credentials, Signer
from lookalike_tools.explore.deadline import Deadline
from lookalike_tools.explore.decoding import BodyCutShort, Decoder, WrongEncoding
from lookalike_tools.explore.links import Links
from lookalike_tools.explore.quiet import quietly
from lookalike_tools.explore.retrying import Passing, moment, seconds_to_wait, until_answered
from lookalike_tools.explore.statuses import Call, error_for

_LARGEST_BODY = 16 * 1024 * 1024
_LARGEST_REFUSAL = 64 * 1024
_MOST_REDIRECTS = 3
_LOCAL_DEADLINE = 600.0
_CONNECTING = 10.0
_CONCURRENT_CALLS = 6
_PATHS_OF_A_DATASET = ("dataset/", "explore/")

log = logging.getLogger("lookalike.explore")


@dataclass(frozen=True)
class _Reply:
    """A response whose body was read; `target` is where it redirects to, in which case nothing was."""

    status: int
    headers: httpx.Headers
    target: httpx.URL | None


class Transport:
    """GET and JSON. Raises the errors of `lookalike_tools.errors`, never httpx's, nor with one of them in its chain."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        source: str,
        *,
        signer: Signer | None = None,
        deadline: Deadline,
        links: Links | None = None,
    ) -> None:
        self.deadline = deadline
        self._client = client
        self._source = source
        self._signer = signer
        self._is_remote = links is not None
        self._links = links
        self._slots = asyncio.Semaphore(_CONCURRENT_CALLS)

    @classmethod
    def to_app(cls, app: Any, base_url: str, source: str) -> "Transport":
        """To an ASGI app in this process: no network, so nothing that trying again would mend."""
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url, timeout=_LOCAL_DEADLINE)
        return cls(client, source, deadline=Deadline(_LOCAL_DEADLINE))

    @classmethod
    def to_server(
        cls, base_url: str, source: str, credentials: Credentials | None, *, deadline: float, allow_http: bool
    ) -> "Transport":
        """To a server, through whatever proxy and certificates the environment names; `deadline` in seconds.

        A server that sends no byte for a third of it is asked again. Raises `WrongSettings` for an environment that
        names what cannot be used.
        """
        silence = deadline / 3
        return cls(
            _client(base_url, httpx.Timeout(silence, connect=min(_CONNECTING, silence), pool=None)),
            source,
            signer=None if credentials is None else Signer(credentials),
            deadline=Deadline(deadline),
            links=Links(httpx.URL(base_url).host, source, allow_http=allow_http),
        )

    async def close(self) -> None:
        """Let go of all connections."""
        with quietly():
            await self._client.aclose()

    async def get(self, path: str, params: Mapping[str, str], about: str) -> Any:
        """The JSON under `path`. `about` says in errors what was asked for, such as 'dataset "pets"'."""
        call = Call(self._source, about, path.startswith(_PATHS_OF_A_DATASET), self._signer is not None, dict(params))
        body = await self._until_answered(lambda: self._answer(path, call), about)
        return _json(body, self._source)

    async def download(self, url: str, about: str, *, longest: int, to: IO[bytes]) -> None:
        """What is behind a link that the server gave, written to `to` from where that stands.

        No credential and no cookie goes with it, be it relative to the base URL; every redirect is checked as the link
        itself. Raises `BadAnswer` for a link that must not be followed, that is refused, or that leads to more than
        `longest` bytes. An OSError of `to` is passed on.
        """
        start = to.tell()

        async def fetch() -> None:
            to.seek(start)
            to.truncate()
            await self._fetch(url, about, longest, to)

        await self._until_answered(fetch, about)

    async def _until_answered(self, ask: Callable[[], Any], about: str) -> Any:
        unanswered = Unreachable(
            f"{self._source} did not answer about {about} within {self.deadline.seconds:g} s",
            "Ask again, or allow more time; if it stays, check the server",
        )

        async def ask_in_turn() -> Any:
            async with self._slots:
                return await ask()

        with quietly():
            return await until_answered(ask_in_turn, unanswered, self.deadline, repeat=self._is_remote)

    async def _answer(self, path: str, call: Call) -> bytes:
        signer = self._signer
        if signer is None:
            reply, body = await self._ask(path, call.params, None)
        else:
            bearer = signer.bearer()
            reply, body = await self._ask(path, call.params, bearer)
            is_refused = reply.status == HTTPStatus.UNAUTHORIZED
            if is_refused and signer.renew(bearer, moment(reply.headers.get("date"))):
                reply, body = await self._ask(path, call.params, signer.bearer())
        if reply.status != HTTPStatus.OK:
            raise _refusal(error_for(reply.status, call, body), reply)
        return body

    async def _ask(self, path: str, params: Mapping[str, str], bearer: Bearer | None) -> tuple[_Reply, bytes]:
        """The reply of the server itself, redirects within it followed."""
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer.token}"}
        request = self._client.build_request("GET", path, params=dict(params), headers=headers)
        for _ in range(_MOST_REDIRECTS + 1):
            body = bytearray()
            reply = await self._exchange(request, body.extend, _LARGEST_BODY, self._source)
            if reply.target is None:
                return reply, bytes(body)
            if not self._is_own(reply.target):
                raise BadAnswer(
                    f"{self._source} redirects to another host, which is not followed",
                    "Set the base URL to the server that is meant",
                )
            if reply.target.params != request.url.params:
                # Without its filters the same address answers with everything.
                raise BadAnswer(f"{self._source} redirects to another question", "Check the base URL")
            request = self._client.build_request("GET", reply.target, headers=headers)
        raise BadAnswer(f"{self._source} keeps redirecting", "Check the base URL")

    async def _fetch(self, url: str, about: str, longest: int, to: IO[bytes]) -> None:
        target: httpx.URL | None = _joined(self._client.base_url, url, self._source)
        call = Call(f"The link that {self._source} gave", about, is_about_dataset=True, has_credential=False)
        for _ in range(_MOST_REDIRECTS + 1):
            assert target is not None  # noqa: S101  (the loop goes on only with a target)
            if self._links is not None:
                await self._links.check(target.scheme, target.host, target.userinfo, about)
            reply = await self._exchange(self._client.build_request("GET", target), to.write, longest, call.source)
            target = reply.target
            if target is None:
                if reply.status != HTTPStatus.OK:
                    raise _refusal(_broken_link(error_for(reply.status, call, b""), reply.status, call), reply)
                return
        raise BadAnswer(f"{self._source} gave a link for {about} that keeps redirecting", "Ask again")

    async def _exchange(
        self, request: httpx.Request, keep: Callable[[bytes], object], longest: int, who: str
    ) -> _Reply:
        """One request, its body given to `keep` piece by piece unless it redirects; a refusal's body is cut short.

        Errors begin with `who`.
        """
        try:
            response = await self._client.send(request, stream=True)
            try:
                reply = self._reply(request, response)
                if reply.target is None:
                    await _read(response, keep, longest, who)
                return reply
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            log.info("%s: %s", who, type(error).__name__)
            trouble: Exception = _trouble(error, who)
        except BodyCutShort:
            trouble = Passing(BadAnswer(f"{who} sent half an answer", "Ask again"))
        except WrongEncoding:
            trouble = BadAnswer(f"{who} sent a body that cannot be decoded", "Check the base URL")
        except (LookalikeError, OSError):
            raise
        except Exception:
            # An app in this process may raise anything.
            log.exception("%s failed at %s", who, request.url.path)
            trouble = ServerFailed(f"{who} failed", "Ask again; the log says more")
        # Raised out here, so that httpx's own error, which holds the request, is not its context.
        raise trouble

    def _reply(self, request: httpx.Request, response: httpx.Response) -> _Reply:
        target = None
        if response.has_redirect_location:
            target = _joined(request.url, response.headers["location"], self._source)
        return _Reply(response.status_code, response.headers, target)

    def _is_own(self, target: httpx.URL) -> bool:
        here = self._client.base_url
        same = (here.scheme, here.host, here.port) == (target.scheme, target.host, target.port)
        return same and not target.userinfo


async def _read(response: httpx.Response, keep: Callable[[bytes], object], longest: int, who: str) -> None:
    is_refusal = response.status_code != HTTPStatus.OK
    decoder = Decoder(response.headers.get("content-encoding", ""))
    length = 0
    async for chunk in response.aiter_raw():
        for piece in decoder.pieces(chunk):
            length += len(piece)
            if is_refusal and length > _LARGEST_REFUSAL:
                return
            if length > longest:
                raise BadAnswer(f"{who} sent more than {longest / 2**20:g} MiB in one answer", "Check the base URL")
            keep(piece)
    decoder.finish()


def _refusal(error: LookalikeError, reply: _Reply) -> Exception:
    if not isinstance(error, (ServerFailed, TooManyRequests)):
        return error
    wait = seconds_to_wait(reply.headers.get("retry-after"), reply.headers.get("date"))
    return Passing(error, wait, is_doubtful=reply.status == HTTPStatus.INTERNAL_SERVER_ERROR)


def _client(base_url: str, timeout: httpx.Timeout) -> httpx.AsyncClient:
    """A client that keeps no cookie, and asks this machine itself without a proxy, whatever the environment says."""
    own = httpx.URL(base_url).host
    direct = {"127.0.0.1", "localhost", "::1", *([own] if is_loopback(own) else [])}
    wrong = None
    try:
        return httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"accept": "application/json", "accept-encoding": "gzip"},
            mounts={f"all://[{host}]" if ":" in host else f"all://{host}": None for host in direct},
        )
    except OSError:
        wrong = WrongSettings(
            "The certificates that the environment names cannot be read",
            "Correct or unset SSL_CERT_FILE and SSL_CERT_DIR",
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        wrong = WrongSettings(
            "The environment names a proxy that cannot be used",
            "Correct or unset HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; a SOCKS proxy needs the package socksio",
        )
    raise wrong


def _joined(base: httpx.URL, location: str, source: str) -> httpx.URL:
    try:
        return base.join(location)
    except (ValueError, httpx.InvalidURL):
        pass
    raise BadAnswer(f"{source} redirects to nowhere", "Check the base URL")


def _broken_link(error: LookalikeError, status: int, call: Call) -> LookalikeError:
    """Why a link that the server gave does not work: no refusal of the credential, which was not sent."""
    if isinstance(error, (ServerFailed, TooManyRequests)):
        return error
    return BadAnswer(
        f"{call.source} for {call.about} is refused ({status})",
        "Ask again: such a link holds for a limited time",
    )


def _trouble(error: httpx.HTTPError, source: str) -> Exception:
    causes = list(_chain(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Unreachable(
            f"{source} cannot be reached: its certificate is not trusted here",
            "Name the certificate of the authority that signed it in SSL_CERT_FILE, or check the base URL",
        )
    return Passing(Unreachable(f"{source} cannot be reached: {_reason(error, causes)}", _way_out(error)))


def _reason(error: httpx.HTTPError, causes: list[BaseException]) -> str:
    match error:
        case httpx.TimeoutException():
            return "it is silent"
        case httpx.ProxyError():
            return "the proxy that the environment names refused"
        case httpx.ConnectError() if any(type(cause).__name__ == "gaierror" for cause in causes):
            return "nobody knows its name"
        case httpx.ConnectError():
            return "it accepts no connection"
        case _:
            return "the connection broke off"


def _way_out(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ProxyError):
        return "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY"
    return "Check the base URL and the network"


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _json(body: bytes, source: str) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadAnswer(
            f"{source} answered with something that is not JSON", "Check that the base URL is an Explore server's"
        ) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
