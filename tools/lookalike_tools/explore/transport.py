"""HTTP to one Explore server: the only module that knows httpx.

Every call is a GET, so every call may be repeated. The credential, redirects and body sizes are minded here.
"""

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn

import httpx
import stamina

from lookalike_tools.errors import BadAnswer, LookalikeError, ServerFailed, TooManyRequests, Unreachable
from lookalike_tools.explore.credentials import Credentials, Signer
from lookalike_tools.explore.statuses import error_for

_LARGEST_BODY = 16 * 1024 * 1024
_MOST_REDIRECTS = 3
_ATTEMPTS = 4
_LOCAL_DEADLINE = 600.0
_CONCURRENT_CALLS = 6

log = logging.getLogger("lookalike.explore")

# Their request lines show URLs with the query, and their debug lines the headers.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class _Busy(Exception):  # noqa: N818  (it never leaves this module)
    """A refusal that may pass, with the server's own idea of when (seconds)."""

    def __init__(self, error: LookalikeError, retry_after: float | None) -> None:
        super().__init__(error.what)
        self.error = error
        self.retry_after = retry_after


def _tell(details: stamina.instrumentation.RetryDetails) -> None:
    log.info("%s: asking again in %.1f s", details.caused_by, details.wait_for)


# In place of stamina's own line, which says only that something is tried again.
stamina.instrumentation.set_on_retry_hooks([_tell])


class Transport:
    """GET and JSON. Raises the errors of `lookalike_tools.errors`, never httpx's."""

    def __init__(
        self, client: httpx.AsyncClient, source: str, *, signer: Signer | None, deadline: float, attempts: int
    ) -> None:
        self._client = client
        self._source = source
        self._signer = signer
        self._deadline = deadline
        self._attempts = attempts
        self._slots = asyncio.Semaphore(_CONCURRENT_CALLS)

    @classmethod
    def to_app(cls, app: Any, base_url: str, source: str) -> "Transport":
        """To an ASGI app in this process: no network, so nothing that trying again would mend."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=base_url, timeout=_LOCAL_DEADLINE, follow_redirects=False
        )
        return cls(client, source, signer=None, deadline=_LOCAL_DEADLINE, attempts=1)

    @classmethod
    def to_server(cls, base_url: str, source: str, credentials: Credentials | None, deadline: float) -> "Transport":
        """To a server, through whatever proxy and certificates the environment names; `deadline` in seconds a call."""
        client = httpx.AsyncClient(base_url=base_url, timeout=deadline, follow_redirects=False)
        signer = None if credentials is None else Signer(credentials)
        return cls(client, source, signer=signer, deadline=deadline, attempts=_ATTEMPTS)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def get(self, path: str, params: Mapping[str, str], about: str) -> Any:
        """The JSON under `path`. `about` says in errors what was asked for, such as 'dataset "pets"'."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._deadline

        def worth_another_try(error: Exception) -> bool | float:
            if not isinstance(error, _Busy):
                return False
            if error.retry_after is None:
                return True
            return error.retry_after if loop.time() + error.retry_after < ends else False

        try:
            async with asyncio.timeout_at(ends), self._slots:
                async for attempt in stamina.retry_context(
                    on=worth_another_try, attempts=self._attempts, timeout=self._deadline
                ):
                    with attempt:
                        return await self._try(path, params, about)
        except TimeoutError:
            raise Unreachable(
                f"{self._source} did not answer within {self._deadline:.0f} s", "Ask again, or check the server"
            ) from None
        except _Busy as busy:
            raise busy.error from None
        raise AssertionError("a retry context either returns or raises")

    async def _try(self, path: str, params: Mapping[str, str], about: str) -> Any:
        status, body, headers = await self._send(path, params)
        if status == HTTPStatus.UNAUTHORIZED and self._signer is not None and self._signer.can_renew:
            self._signer.forget()
            status, body, headers = await self._send(path, params)
        if status == HTTPStatus.OK:
            return _json(body, self._source)
        error = error_for(status, self._source, about, body)
        if isinstance(error, (ServerFailed, TooManyRequests)):
            raise _Busy(error, _seconds(headers.get("retry-after")))
        raise error

    async def _send(self, path: str, params: Mapping[str, str]) -> tuple[int, bytes, httpx.Headers]:
        request = self._client.build_request("GET", path, params=dict(params), headers=self._authorization())
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                response = await self._client.send(request, stream=True)
            except httpx.HTTPError as error:
                self._unreachable(error)
            except Exception:
                # An app in this process may raise anything.
                log.exception("%s failed at %s", self._source, path)
                raise ServerFailed(f"{self._source} failed", "Ask again; the log says more") from None
            try:
                if not response.has_redirect_location:
                    return response.status_code, await self._body(response), response.headers
                request = self._redirected(request, response)
            finally:
                await response.aclose()
        raise BadAnswer(f"{self._source} keeps redirecting", "Check the base URL")

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_BODY:
                    raise BadAnswer(
                        f"{self._source} sent more than {_LARGEST_BODY >> 20} MiB in one answer", "Check the base URL"
                    )
        except httpx.HTTPError as error:
            self._unreachable(error)
        return bytes(body)

    def _unreachable(self, error: httpx.HTTPError) -> NoReturn:
        log.info("%s: %s", self._source, type(error).__name__)
        mended = Unreachable(
            f"{self._source} cannot be reached ({type(error).__name__})", "Check the base URL and the network"
        )
        raise _Busy(mended, None) from None

    def _authorization(self) -> dict[str, str]:
        return {} if self._signer is None else {"authorization": f"Bearer {self._signer.bearer()}"}

    def _redirected(self, request: httpx.Request, response: httpx.Response) -> httpx.Request:
        try:
            target = request.url.join(response.headers["location"])
        except httpx.InvalidURL:
            raise BadAnswer(f"{self._source} redirects to nowhere", "Check the base URL") from None
        here = self._client.base_url
        if (here.scheme, here.host, here.port) != (target.scheme, target.host, target.port):
            raise BadAnswer(
                f"{self._source} redirects to another host, which is not followed",
                "Set the base URL to the server that is meant",
            )
        return self._client.build_request("GET", target, headers=self._authorization())


def _json(body: bytes, source: str) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadAnswer(
            f"{source} answered with something that is not JSON", "Check that the base URL is an Explore server's"
        ) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _seconds(retry_after: str | None) -> float | None:
    """The wait that a Retry-After header asks for, given in seconds or as a date; `None` where it asks for nothing."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
