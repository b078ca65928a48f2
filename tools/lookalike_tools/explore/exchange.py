"""One GET over HTTP, and the reply: the only module that knows httpx."""

import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from lookalike_tools.errors import BadAnswer, LookalikeError, ServerFailed, Unreachable, WrongSettings
from lookalike_tools.explore.address import is_loopback, proxy_variable
from lookalike_tools.explore.decoding import BodyCutShort, Decoder, WrongEncoding
from lookalike_tools.explore.quiet import quietly
from lookalike_tools.explore.retrying import Passing

Url = httpx.URL

_LARGEST_REFUSAL = 64 * 1024
_CONNECTING = 10.0

log = logging.getLogger("lookalike.explore")


@dataclass(frozen=True)
class Party:
    """Who is asked, as errors name it, and what they say should be checked."""

    name: str
    check: str


@dataclass(frozen=True)
class Reply:
    """A response whose body was read; `target` is where it redirects to, in which case nothing was."""

    status: int
    headers: Mapping[str, str]
    target: Url | None


class NotKept(Exception):  # noqa: N818  (it never leaves the transport)
    """What was to keep the body failed with `error`."""

    def __init__(self, error: OSError) -> None:
        super().__init__(type(error).__name__)
        self.error = error


class Exchange:
    """GETs of one client, which keeps no cookie and follows no redirect."""

    def __init__(self, client: httpx.AsyncClient, *, is_remote: bool = False) -> None:
        self._client = client
        self._is_remote = is_remote

    @classmethod
    def with_app(cls, app: Any, base_url: str, seconds: float) -> "Exchange":
        """With an ASGI app in this process."""
        return cls(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url, timeout=seconds))

    @classmethod
    def with_server(cls, base_url: str, silence: float) -> "Exchange":
        """With a server, through whatever proxy and certificates the environment names.

        It may be silent for `silence` seconds. Raises `WrongSettings` for a base URL that cannot be read, and for an
        environment that names what cannot be used.
        """
        timeout = httpx.Timeout(silence, connect=min(_CONNECTING, silence), pool=None)
        return cls(_client(base_url, timeout), is_remote=True)

    @property
    def base(self) -> Url:
        """What relative addresses are relative to."""
        return self._client.base_url

    def _proxy(self, url: Url) -> str | None:
        return proxy_variable(str(url)) if self._is_remote else None

    async def close(self) -> None:
        """Let go of all connections."""
        with quietly():
            await self._client.aclose()

    async def get(
        self, url: Url, keep: Callable[[bytes], object], *, longest: int, whom: Party, bearer: str | None = None
    ) -> Reply:
        """The reply, its body given to `keep` piece by piece unless it redirects; a refusal's body is cut short.

        Raises `Passing` for what may be better next time, `NotKept` for an OSError of `keep`, otherwise errors of ours.
        """
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        request = self._client.build_request("GET", url, headers=headers)
        try:
            with quietly():
                response = await self._client.send(request, stream=True)
                try:
                    reply = Reply(response.status_code, response.headers, _target(response))
                    if reply.target is None:
                        await _read(response, keep, longest, whom)
                    return reply
                finally:
                    await response.aclose()
        except httpx.HTTPError as error:
            log.info("%s: %s", whom.name, type(error).__name__)
            trouble = _trouble(error, whom, self._proxy(url))
        except _Nowhere:
            trouble = BadAnswer(f"{whom.name} redirects to nowhere", f"Check {whom.check}")
        except BodyCutShort:
            trouble = Passing(BadAnswer(f"{whom.name} sent half an answer", "Ask again"))
        except WrongEncoding:
            trouble = BadAnswer(f"{whom.name} sent a body that cannot be decoded", f"Check {whom.check}")
        except (LookalikeError, NotKept):
            raise
        except Exception:
            # An app in this process may raise anything.
            log.exception("%s failed at %s", whom.name, url.path)
            trouble = ServerFailed(f"{whom.name} failed", "Ask again; the log says more")
        # Raised out here, so that httpx's own error, which holds the request, is not its context.
        raise trouble


def joined(base: Url, location: str) -> Url | None:
    """`location` as seen from `base`; `None` where it is no address."""
    try:
        url = base.join(location)
        url.host  # noqa: B018  (decoded only now, which may fail)
    except (ValueError, httpx.InvalidURL):
        return None
    return url


class _Nowhere(Exception):  # noqa: N818  (it never leaves this module)
    """A redirect to what is no address."""


async def _refuse_nowhere(response: httpx.Response) -> None:
    # Before httpx looks at it, which takes some of them for a broken connection and fails at others.
    if response.has_redirect_location and _target(response) is None:
        raise _Nowhere


def _target(response: httpx.Response) -> Url | None:
    return joined(response.url, response.headers["location"]) if response.has_redirect_location else None


async def _read(response: httpx.Response, keep: Callable[[bytes], object], longest: int, whom: Party) -> None:
    is_refusal = response.status_code != HTTPStatus.OK
    decoder = Decoder(response.headers.get("content-encoding", ""))
    length = 0
    async for chunk in response.aiter_raw():
        for piece in decoder.pieces(chunk):
            length += len(piece)
            if is_refusal and length > _LARGEST_REFUSAL:
                return
            if length > longest:
                raise BadAnswer(
                    f"{whom.name} sent more than {longest / 2**20:g} MiB in one answer", f"Check {whom.check}"
                )
            try:
                keep(piece)
            except OSError as error:
                raise NotKept(error) from None
    decoder.finish()


def _client(base_url: str, timeout: httpx.Timeout) -> httpx.AsyncClient:
    """A client that keeps no cookie, and asks this machine itself without a proxy, whatever the environment says."""
    url = joined(httpx.URL(), base_url)
    if url is None:
        raise WrongSettings("The base URL cannot be read", "Give it as https://HOST")
    direct = {"127.0.0.1", "localhost", "::1", *([url.host] if is_loopback(url.host) else [])}
    wrong = None
    try:
        return httpx.AsyncClient(
            base_url=url,
            timeout=timeout,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"accept": "application/json", "accept-encoding": "gzip"},
            event_hooks={"response": [_refuse_nowhere]},
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


def _trouble(error: httpx.HTTPError, whom: Party, proxy: str | None) -> Exception:
    causes = list(_chain(error))
    out_of_reach = f"{whom.name} cannot be reached"
    match error:
        case _ if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return Unreachable(
                f"{out_of_reach}: its certificate is not trusted here",
                f"Name the certificate of the authority that signed it in SSL_CERT_FILE, or check {whom.check}",
            )
        case httpx.ProxyError():
            return Passing(_proxy_trouble(out_of_reach, proxy or "the environment", "refused"))
        case httpx.ConnectError() | httpx.ConnectTimeout() if proxy is not None:
            return Passing(_proxy_trouble(out_of_reach, proxy, "cannot be reached, or not the server through it"))
        case httpx.ConnectTimeout():
            why = "it does not answer"
        case httpx.TimeoutException():
            return Passing(Unreachable(f"{whom.name} is silent", "Ask again, or raise the timeout of this server"))
        case httpx.ConnectError() if any(isinstance(cause, ssl.SSLError) for cause in causes):
            why = "it does not speak https as this machine does"
        case httpx.ConnectError() if any(type(cause).__name__ == "gaierror" for cause in causes):
            why = "nobody knows its name"
        case httpx.ConnectError():
            why = "it accepts no connection"
        case _:
            why = "the connection broke off"
    return Passing(Unreachable(f"{out_of_reach}: {why}", f"Check {whom.check} and the network"))


def _proxy_trouble(out_of_reach: str, variable: str, why: str) -> Unreachable:
    return Unreachable(
        f"{out_of_reach}: the proxy that {variable} names {why}",
        "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
