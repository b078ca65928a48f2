"""Calls to one Explore server: what is sent along, which redirects are followed, and what a reply means.

Every call is a GET, so every call may be repeated.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import IO, Any, NoReturn

from lookalike_tools.errors import BadAnswer, LookalikeError, ServerFailed, TooManyRequests, Unreachable
from lookalike_tools.explore.credentials import Credentials, Signer
from lookalike_tools.explore.deadline import Deadline
from lookalike_tools.explore.exchange import Exchange, NotKept, Party, Reply, Url, joined
from lookalike_tools.explore.links import Links
from lookalike_tools.explore.retrying import Passing, moment, seconds_to_wait, until_answered
from lookalike_tools.explore.statuses import Call, error_for

_LARGEST_BODY = 16 * 1024 * 1024
_MOST_REDIRECTS = 3
_LOCAL_DEADLINE = 600.0
_CONCURRENT_CALLS = 6
_PATHS_OF_A_DATASET = ("dataset/", "explore/")


class Transport:
    """GET and JSON. Raises the errors of `lookalike_tools.errors`, never httpx's, nor with one of them in its chain."""

    def __init__(
        self,
        exchange: Exchange,
        source: str,
        *,
        signer: Signer | None = None,
        deadline: Deadline,
        links: Links | None = None,
    ) -> None:
        self.deadline = deadline
        self._exchange = exchange
        self._server = Party(source, "the base URL")
        self._signer = signer
        self._links = links
        self._slots = asyncio.Semaphore(_CONCURRENT_CALLS)

    @classmethod
    def to_app(cls, app: Any, base_url: str, source: str) -> "Transport":
        """To an ASGI app in this process: no network, so nothing that trying again would mend."""
        exchange = Exchange.with_app(app, base_url, _LOCAL_DEADLINE)
        return cls(exchange, source, deadline=Deadline(_LOCAL_DEADLINE))

    @classmethod
    def to_server(
        cls, base_url: str, source: str, credentials: Credentials | None, *, deadline: float, allow_http: bool
    ) -> "Transport":
        """To a server, through whatever proxy and certificates the environment names; `deadline` in seconds.

        A server that sends no byte for a third of it is asked again. Raises `WrongSettings` for a base URL or an
        environment that cannot be used.
        """
        exchange = Exchange.with_server(base_url, deadline / 3)
        return cls(
            exchange,
            source,
            signer=None if credentials is None else Signer(credentials),
            deadline=Deadline(deadline),
            links=Links(exchange.base.host, source, allow_http=allow_http),
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._exchange.close()

    async def get(self, path: str, params: Mapping[str, str], about: str) -> Any:
        """The JSON under `path`. `about` says in errors what was asked for, such as 'dataset "pets"'."""
        is_about_dataset = path.startswith(_PATHS_OF_A_DATASET)
        call = Call(self._server.name, about, is_about_dataset, self._signer is not None, params)
        url = self._exchange.base.join(path).copy_with(params=dict(params))
        return await self._until_answered(lambda: self._answer(url, call), about)

    async def download(self, url: str, about: str, *, longest: int, to: IO[bytes]) -> None:
        """What is behind a link that the server gave, written to `to` from where that stands.

        No credential and no cookie goes with it, be it relative to the base URL; every redirect is checked as the link
        itself. Raises `BadAnswer` for a link that must not be followed, that is refused, or that leads to more than
        `longest` bytes. An OSError of `to` is passed on.
        """
        target = joined(self._exchange.base, url)
        if target is None:
            raise BadAnswer(
                f"{self._server.name} gave a link for {about} that is none", "The server's operator must look"
            )
        start = to.tell()

        async def fetch() -> None:
            to.seek(start)
            to.truncate()
            await self._fetch(target, about, longest, to)

        try:
            await self._until_answered(fetch, about)
        except NotKept as failed:
            raise failed.error from None

    async def _until_answered(self, ask: Callable[[], Any], about: str) -> Any:
        unanswered = Unreachable(
            f"{self._server.name} did not answer about {about} within {self.deadline.seconds:g} s",
            "Ask again, or raise the timeout of this server; if it stays, check the server",
        )

        async def ask_in_turn() -> Any:
            async with self._slots:
                return await ask()

        return await until_answered(ask_in_turn, unanswered, self.deadline, repeat=self._links is not None)

    async def _answer(self, url: Url, call: Call) -> Any:
        signer = self._signer
        if signer is None:
            reply, body = await self._ask(url, None)
        else:
            bearer = signer.bearer()
            reply, body = await self._ask(url, bearer.token)
            is_refused = reply.status == HTTPStatus.UNAUTHORIZED
            if is_refused and signer.renew(bearer, moment(reply.headers.get("date"))):
                reply, body = await self._ask(url, signer.bearer().token)
        if reply.status != HTTPStatus.OK:
            raise _refusal(error_for(reply.status, call, body), reply)
        return _json(body, call)

    async def _ask(self, url: Url, bearer: str | None) -> tuple[Reply, bytes]:
        """The reply of the server itself, redirects within it followed."""
        target = url
        for _ in range(_MOST_REDIRECTS + 1):
            body = bytearray()
            reply = await self._exchange.get(
                target, body.extend, longest=_LARGEST_BODY, whom=self._server, bearer=bearer
            )
            if reply.target is None:
                return reply, bytes(body)
            target = reply.target
            if not self._is_own(target):
                raise BadAnswer(
                    f"{self._server.name} redirects to another scheme, host or port, which is not followed",
                    "Set the base URL to the server that is meant",
                )
            if target.params != url.params:
                # Without its filters the same address answers with everything.
                raise BadAnswer(f"{self._server.name} redirects to another question", "Check the base URL")
        raise BadAnswer(f"{self._server.name} keeps redirecting", "Check the base URL")

    async def _fetch(self, target: Url, about: str, longest: int, to: IO[bytes]) -> None:
        link = Party(f"The link that {self._server.name} gave", "the server's file store")
        call = Call(link.name, about, is_about_dataset=True, has_credential=False)
        for _ in range(_MOST_REDIRECTS + 1):
            if self._links is not None:
                await self._links.check(target.scheme, target.host, target.userinfo, about)
            reply = await self._exchange.get(target, to.write, longest=longest, whom=link)
            if reply.target is None:
                if reply.status != HTTPStatus.OK:
                    raise _refusal(_broken_link(error_for(reply.status, call, b""), reply.status, call), reply)
                return
            target = reply.target
        raise BadAnswer(f"{link.name} for {about} keeps redirecting", "Ask again")

    def _is_own(self, target: Url) -> bool:
        here = self._exchange.base
        same = (here.scheme, here.host, here.port) == (target.scheme, target.host, target.port)
        return same and not target.userinfo


def _refusal(error: LookalikeError, reply: Reply) -> Exception:
    if not isinstance(error, (ServerFailed, TooManyRequests)):
        return error
    wait = seconds_to_wait(reply.headers.get("retry-after"), reply.headers.get("date"))
    return Passing(error, wait, is_doubtful=reply.status == HTTPStatus.INTERNAL_SERVER_ERROR)


def _broken_link(error: LookalikeError, status: int, call: Call) -> LookalikeError:
    """Why a link that the server gave does not work: no refusal of the credential, which was not sent."""
    if isinstance(error, (ServerFailed, TooManyRequests)):
        return error
    return BadAnswer(
        f"{call.source} for {call.about} is refused ({status})",
        "Ask again: such a link holds for a limited time",
    )


def _json(body: bytes, call: Call) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        error = BadAnswer(
            f"{call.source} answered about {call.about} with something that is not JSON",
            "Ask again; if it stays, check that the base URL is an Explore server's",
        )
    # A busy server, or a gateway before it, answers so for a moment.
    raise Passing(error, is_doubtful=True)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
