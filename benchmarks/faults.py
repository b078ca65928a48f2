"""Faults of networks and servers, thrown into a stream of questions: a right answer, an honest error, or neither.

Each question meets one fault, at its first request, or its second, and so on in turn (lies: at every request), over
real HTTP on loopback. An answer that says itself that it is incomplete, and counts nothing twice, is honest.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from email.utils import formatdate
from typing import Literal

import jwt
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.report import heading, table
from lookalike_tools import (
    Credentials,
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    LookalikeError,
    find_duplicates,
)
from tests.explore_servers import QUIRKS, Heard, Server, copies, listening, single
from tests.explore_servers.bodies import NAMES, NO_EXPLORE_API
from tests.explore_servers.network import refusing
from tests.explore_servers.quirks import Quirk

DEADLINE = 6.0
AT_ONCE = 10
CLUSTERS = 130
REQUESTS = 5
"""That every question makes at least."""

Outcome = Literal["right", "honest", "wrong"]

BROKEN = (
    *("slow_headers", "drips", "no_headers", "stalls_mid_body", "drips_for_ever"),
    *("resets_before_headers", "resets_mid_body", "closes_mid_body"),
    *("always_401", "always_403", "always_500", "always_502", "always_503"),
    *("redirects_to_another_host", "redirects_without_a_scheme", "redirects_to_another_scheme"),
    *("redirects_with_a_user", "redirects_without_the_query", "redirects_once"),
    *NO_EXPLORE_API,
    "wrong_types",
)
LYING = ("one_id_for_all", "clusters_twice", "pages_repeat", "pages_shift", *(f"names_{kind}" for kind in NAMES))
SLOW = ("no_headers", "stalls_mid_body", "drips_for_ever", "429, one second", "429, until a date")
FAULTS: dict[str, Quirk] = {
    **{name: QUIRKS[name] for name in (*BROKEN, *LYING)},
    "429 without Retry-After": refusing(429),
    "429, one second": refusing(429, lambda: "1"),
    "429, until a date": refusing(429, lambda: formatdate(time.time() + 1, usegmt=True)),
    "429, an hour": refusing(429, lambda: "3600"),
}


class Injecting:
    """`app`, of which each question meets the fault at one of its requests (lies: at all); its key says which it is."""

    def __init__(self, app: ASGIApp, fault: Quirk, *, lies: bool) -> None:
        self._app = app
        self._fault = fault
        self._lies = lies
        self._faulty: dict[str, ASGIApp] = {}
        self._asked: Counter[str] = Counter()
        self.met: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        bearer = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        question = jwt.get_unverified_header(bearer)["kid"]
        faulty = self._faulty.setdefault(question, self._fault(self._app))
        is_next = self._lies or self._asked[question] == int(question) % REQUESTS
        self._asked[question] += 1
        self.met.update([question] if is_next else [])
        await (faulty if is_next else self._app)(scope, receive, send)


def judged(answer: DuplicatesAnswer) -> Outcome:
    """Whether the answer is right; one with an invisible character in its text is not."""
    text = answer.text()
    if answer.totals is None or not all(it.isprintable() for it in text.splitlines()):
        return "wrong"
    is_whole = answer.totals.clusters == CLUSTERS and answer.totals.removable == CLUSTERS
    if answer.complete:
        return "right" if is_whole else "wrong"
    return "honest" if answer.notes and answer.totals.clusters <= CLUSTERS + 1 else "wrong"


async def outcome(url: str, number: int) -> Outcome:
    """What becomes of one question."""
    credentials = Credentials(api_key=str(number), api_secret="of the benchmark's own")  # noqa: S106  (made up)
    async with ExploreClient.for_server(url, credentials, deadline=DEADLINE) as explore, explore.question():
        try:
            return judged(await find_duplicates(explore, DuplicatesQuery(), Heard(), 0))
        except LookalikeError as error:
            return "honest" if error.what and error.todo else "wrong"
        except Exception as error:  # noqa: BLE001  (anything else is what this looks for)
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return "wrong"


async def throw(fault: Quirk, times: int, *, lies: bool) -> tuple[int, Counter[Outcome]]:
    """How many questions met the fault, and what became of all of them."""
    server = Server([copies(f"a{i}") for i in range(CLUSTERS)], [single("s")])
    injecting = Injecting(server.app(), fault, lies=lies)
    outcomes: Counter[Outcome] = Counter()
    with listening(injecting) as url:
        for first in range(0, times, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, times))
            outcomes.update(await asyncio.gather(*(outcome(url, number) for number in numbers)))
    return len(injecting.met), outcomes


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table. Exits with 1 if any answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--times", type=int, default=20, help="how often each fault is injected (lies and slow ones half as often)"
    )
    times = parser.parse_args(arguments).times
    heading("Faults injected into questions to a server", "lookalike-mcp", "httpx", "stamina", "uvicorn")
    rows, total = [], Counter[Outcome]()
    for name, fault in FAULTS.items():
        lies = name in LYING
        fewer = times // 2 if lies or name in SLOW else times
        injected, outcomes = asyncio.run(throw(fault, fewer, lies=lies))
        total += outcomes
        kind = name.replace("_", " ")
        rows.append((kind, injected, outcomes["right"], outcomes["honest"], outcomes["wrong"]))
    rows.append(("all", sum(row[1] for row in rows), total["right"], total["honest"], total["wrong"]))
    table(("fault", "injected", "right answers", "errors or said to be incomplete", "wrong or crashed"), rows)
    if total["wrong"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
