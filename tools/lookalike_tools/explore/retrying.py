"""Asking again where the next answer may be better, within one deadline."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import stamina

from lookalike_tools.errors import ServerTrouble, Unreachable
from lookalike_tools.explore.deadline import Deadline

_ATTEMPTS = 5
_ATTEMPTS_IN_DOUBT = 3
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
_JITTER = 0.4
_DAY = 24 * 3600.0

Answer = TypeVar("Answer")

log = logging.getLogger("lookalike.explore")


class Passing(Exception):  # noqa: N818  (it never leaves the transport)
    """Trouble that may pass, with the server's own idea of when (seconds from now).

    `is_doubtful`: it may as well be how this server refuses, as older ones answer 500 where they should 422 or 404.
    """

    def __init__(self, error: ServerTrouble, retry_after: float | None = None, *, is_doubtful: bool = False) -> None:
        super().__init__(error.what)
        self.error = error
        self.retry_after = retry_after
        self.attempts = _ATTEMPTS_IN_DOUBT if is_doubtful else _ATTEMPTS


def _tell(details: stamina.instrumentation.RetryDetails) -> None:
    log.info("%s: asking again in %.1f s", details.caused_by, details.wait_for)


# In place of stamina's own line, which says only that something is tried again.
stamina.instrumentation.set_on_retry_hooks([_tell])


async def until_answered(
    ask: Callable[[], Awaitable[Answer]], unanswered: Unreachable, deadline: Deadline, *, repeat: bool
) -> Answer:
    """What `ask` returns; with `repeat` it is asked again, a few times, while it raises `Passing`.

    Raises the last trouble, with how often it came or how long the server asks to wait; `unanswered` where the deadline
    came first.
    """
    loop = asyncio.get_running_loop()
    begun, ends = loop.time(), deadline.ends()
    last: Passing | None = None
    failures = 0

    def worth_another_try(error: Exception) -> bool | float:
        nonlocal last, failures
        if not isinstance(error, Passing):
            return False
        last, failures = error, failures + 1
        if not repeat or failures >= error.attempts:
            return False
        if not error.retry_after:
            return True
        return error.retry_after if loop.time() + error.retry_after < ends else False

    is_late = False
    try:
        async with asyncio.timeout_at(ends):
            async for attempt in stamina.retry_context(
                on=worth_another_try,
                attempts=None,
                timeout=None,
                wait_initial=_FIRST_WAIT,
                wait_max=_LONGEST_WAIT,
                wait_jitter=_JITTER,
            ):
                with attempt:
                    return await ask()
    except TimeoutError:
        is_late = True
    except Passing:
        pass
    # Raised out here, so that nothing of the HTTP library hangs on to the error as its context.
    if last is None:
        raise unanswered
    raise _told(last, failures, loop.time() - begun, deadline.seconds if is_late else None, ends - loop.time())


def _told(last: Passing, failures: int, took: float, late: float | None, left: float) -> ServerTrouble:
    kind, what, todo = type(last.error), last.error.what, last.error.todo
    if late is not None:
        return kind(f"{what}; it kept failing until the deadline of {late:g} s", todo)
    if last.retry_after and last.retry_after >= left:
        wait = _duration(last.retry_after)
        return kind(f"{what}; it asks to wait {wait}", f"Ask again in {wait}")
    return kind(f"{what}; {failures} times in {took:.1f} s" if failures > 1 else what, todo)


def seconds_to_wait(retry_after: str | None, date: str | None) -> float | None:
    """The wait that a Retry-After header asks for, given in seconds or as a date; `None` where it asks for nothing.

    A date is counted from the server's own `date`, where it says one: its clock is the one that it goes by.
    """
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        until = moment(retry_after)
        if until is None:
            return None
        seconds = (until - (moment(date) or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def moment(date: str | None) -> datetime | None:
    """The time that an HTTP date names; `None` for anything else."""
    try:
        read = parsedate_to_datetime(date or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _duration(seconds: float) -> str:
    if seconds > _DAY:
        return "more than a day"
    if seconds < 120:  # noqa: PLR2004  (two minutes: below, seconds read best)
        return f"{math.ceil(seconds)} s"
    return f"{math.ceil(seconds / 60)} min"
