"""A call that its host gives up on: nothing more is read for it, and the next call is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import anyio
import anyio.to_thread
import pytest
from mcp import Client
from starlette.requests import Request
from starlette.responses import Response

from tests.explore_servers import DATASET_ID, Server, copies, listening, single
from tests.server.conversation import ERAS, Era, conversation, facts_of


class Held:
    """A server of 60 pages that holds back its second page until it is let go."""

    def __init__(self) -> None:
        self.reached, self.let_go = Event(), Event()
        self.server = Server([copies(f"a{i}") for i in range(1000)], [single("s")], guard=self._guard)

    def _guard(self, request: Request) -> Response | None:
        if request.query_params.get("page_number") == "1" and not self.let_go.is_set():
            self.reached.set()
            self.let_go.wait(60)
        return None

    @property
    def pages(self) -> list[str]:
        return [asked["page_number"] for asked in self.server.questions(f"/explore/{DATASET_ID}")]


@asynccontextmanager
async def asking(held: Held, tmp_path: Path, era: Era) -> AsyncIterator[Client]:
    with listening(held.server.app()) as url:
        try:
            async with conversation([], tmp_path, era=era, base_url=url) as client:
                yield client
        finally:
            held.let_go.set()


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_reads_no_further_page_and_the_next_call_is_answered(tmp_path: Path, era: Era) -> None:
    held = Held()
    async with asking(held, tmp_path, era) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "find_duplicates", {})
            await anyio.to_thread.run_sync(held.reached.wait, 60)
            tasks.cancel_scope.cancel()
        held.let_go.set()
        facts = facts_of(await client.call_tool("find_duplicates", {}))
    assert facts["totals"]["clusters"] == 1000
    # The pages of the cancelled call that were already asked for, then all of the next call's.
    assert held.pages.count("9") == 1


@pytest.mark.anyio
async def test_two_calls_at_once_get_the_same_answer(tmp_path: Path) -> None:
    held = Held()
    answers = []
    async with asking(held, tmp_path, "auto") as client:

        async def ask() -> None:
            answers.append(facts_of(await client.call_tool("find_duplicates", {})))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            tasks.start_soon(ask)
            await anyio.to_thread.run_sync(held.reached.wait, 60)
            held.let_go.set()
    assert answers[0] == answers[1]
    assert answers[0]["complete"]
