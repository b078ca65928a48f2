"""A bad network, and servers that stall, refuse and fail.

What stalls ends when the caller hangs up or the server stops. What breaks a connection needs the server's own `send`,
so it comes before quirks that put theirs in its place: `quirky(app, "resets_mid_body", "gzip")`.
"""

import functools
import inspect
import socket
import struct
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import anyio
import anyio.lowlevel
from starlette.datastructures import URL
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.explore_servers.quirks import QUIRKS, Quirk, quirk

_SLOW_SECONDS = 0.1
_HALF_AN_ANSWER = b'[{"id": "half an ans'


def at_first(broken: Quirk, times: int) -> Quirk:
    """The first `times` requests meet the quirk, the others do not."""

    def make(app: ASGIApp) -> ASGIApp:
        left = times
        worse = broken(app)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal left
            left -= 1
            await (worse if left >= 0 else app)(scope, receive, send)

        return answer

    return make


async def hung_up(receive: Receive) -> None:
    """Waits until the caller is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _instead(response: Callable[[Scope], Response]) -> Quirk:
    def make(_app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await response(scope)(scope, receive, send)

        return answer

    return make


@quirk
def no_headers(_app: ASGIApp) -> ASGIApp:
    """Accepts the request, and never begins to answer."""

    async def answer(_scope: Scope, receive: Receive, _send: Send) -> None:
        await hung_up(receive)

    return answer


@quirk
def slow_headers(app: ASGIApp) -> ASGIApp:
    """Takes its time before it begins to answer."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep(_SLOW_SECONDS)
        await app(scope, receive, send)

    return answer


@quirk
def stalls_mid_body(_app: ASGIApp) -> ASGIApp:
    """Sends half an answer, and then nothing."""

    async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
        await _half(send)
        await hung_up(receive)

    return answer


@quirk
def drips(app: ASGIApp) -> ASGIApp:
    """Sends the right answer in a thousand pieces, or byte by byte where it is short."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        @functools.wraps(send)
        async def slowly(message: Message) -> None:
            body: bytes = message.get("body", b"")
            step = 1 + len(body) // 1000
            for begin in range(0, len(body), step):
                piece = body[begin : begin + step]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await anyio.lowlevel.checkpoint()
            await send({**message, "body": b""} if body else message)

        await app(scope, receive, slowly)

    return answer


@quirk
def drips_for_ever(_app: ASGIApp) -> ASGIApp:
    """Sends blanks, one by one, for as long as anyone listens."""

    async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async with anyio.create_task_group() as tasks:

            async def drip() -> None:
                while True:
                    await send({"type": "http.response.body", "body": b" ", "more_body": True})
                    await anyio.sleep(0.01)

            tasks.start_soon(drip)
            await hung_up(receive)
            tasks.cancel_scope.cancel()

    return answer


@quirk
def resets_before_headers(_app: ASGIApp) -> ASGIApp:
    """Breaks the connection off with a reset, without an answer."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        _reset(send)

    return answer


@quirk
def resets_mid_body(_app: ASGIApp) -> ASGIApp:
    """Breaks the connection off with a reset after half an answer."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _half(send)
        _reset(send)

    return answer


@quirk
def closes_mid_body(_app: ASGIApp) -> ASGIApp:
    """Closes the connection in good order, half an answer short of what it announced."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _half(send)
        _transport(send).close()

    return answer


async def _half(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"4000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _HALF_AN_ANSWER, "more_body": True})


def _transport(send: Send) -> Any:
    # The cycle of uvicorn to which its `send` belongs.
    return inspect.unwrap(send).__self__.transport


def _reset(send: Send) -> None:
    transport = _transport(send)
    linger_not = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    transport.abort()


def refusing(status: int, retry_after: Callable[[], str] | None = None) -> Quirk:
    """Answers `status` to everything, with a Retry-After header if one is given."""

    def response(_scope: Scope) -> Response:
        headers = None if retry_after is None else {"retry-after": retry_after()}
        return Response('{"detail": "EVIL TEXT"}', status, headers=headers)

    return _instead(response)


def _in_a_second() -> str:
    # A date has whole seconds: the next one may begin at once, the one after it is between one and two seconds away.
    return formatdate(int(time.time()) + 2, usegmt=True)


for _status in (401, 403, 404, 409, 422, 500, 502, 503):
    QUIRKS[f"always_{_status}"] = refusing(_status)
for _status, _times in ((500, 2), (502, 4), (503, 4)):
    QUIRKS[f"burst_of_{_status}"] = at_first(refusing(_status), _times)
QUIRKS["busy"] = at_first(refusing(429), 2)
QUIRKS["busy_for_a_second"] = at_first(refusing(429, lambda: "1"), 1)
QUIRKS["busy_until_a_date"] = at_first(refusing(429, _in_a_second), 1)
QUIRKS["busy_for_an_hour"] = refusing(429, lambda: "3600")


def _redirecting(target: Callable[[URL], str]) -> Quirk:
    return _instead(lambda scope: RedirectResponse(target(URL(scope=scope))))


QUIRKS["redirects_to_another_host"] = _redirecting(lambda url: str(url.replace(hostname="localhost")))
QUIRKS["redirects_without_a_scheme"] = _redirecting(lambda url: f"//localhost:{url.port}{url.path}")
QUIRKS["redirects_to_another_scheme"] = _redirecting(lambda url: str(url.replace(scheme="https")))
QUIRKS["redirects_to_another_port"] = _redirecting(lambda url: str(url.replace(port=1)))
QUIRKS["redirects_with_a_user"] = _redirecting(lambda url: str(url.replace(username="me", password="secret")))
QUIRKS["redirects_in_a_circle"] = _redirecting(lambda url: f"{url.path}?{url.query}")
QUIRKS["redirects_without_the_query"] = _redirecting(lambda url: url.path)
QUIRKS["redirects_to_nowhere"] = _redirecting(lambda _url: "http://127.0.0.1:seven/")
QUIRKS["redirects_to_no_name"] = _redirecting(lambda _url: "http://xn--/")
QUIRKS["redirects_once"] = at_first(_redirecting(lambda url: f"{url.path}?{url.query}"), 1)
