from typing import Any

import pytest

from lookalike_tools import DuplicatesAnswer, DuplicatesQuery, ExploreClient, find_duplicates
from lookalike_tools.errors import WrongArgument
from tests.explore_servers import Heard, Server, copies, engine, engine_copies, listening, single

pytestmark = pytest.mark.anyio


async def ask_here(server: Server, **arguments: Any) -> DuplicatesAnswer:
    async with ExploreClient.for_app(server.app()) as explore:
        return await find_duplicates(explore, DuplicatesQuery(**arguments), Heard(), 0)


async def ask_there(server: Server, **arguments: Any) -> DuplicatesAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_duplicates(explore, DuplicatesQuery(**arguments), Heard(), 0)


def vendor(groups: int = 3, singles: int = 5, **changes: Any) -> Server:
    return Server([copies(f"a{i}", 3) for i in range(groups)], [single(f"s{i}") for i in range(singles)], **changes)


async def test_a_cursor_of_another_question_is_refused() -> None:
    server = vendor(groups=30)
    first = await ask_there(server, limit=3)
    with pytest.raises(WrongArgument, match="another question"):
        await ask_there(server, limit=3, similarity=0.9, cursor=first.next_cursor)


async def test_a_cursor_of_another_dataset_is_refused() -> None:
    server = vendor(groups=30, others=[{"id": "cars-1", "display_name": "cars", "status_new": "READY"}])
    first = await ask_there(server, dataset="pets", limit=3)
    with pytest.raises(WrongArgument, match="another dataset"):
        await ask_there(server, dataset="cars", limit=3, cursor=first.next_cursor)


async def test_a_cursor_from_before_a_change_is_refused() -> None:
    server = engine([engine_copies([f"{i}.jpg", f"{i}b.jpg"]) for i in range(9)])
    first = await ask_here(server, limit=3)
    server.page_metadata = {"applied_filters": ["duplicates"], "revision": "r2"}
    with pytest.raises(WrongArgument, match="has changed"):
        await ask_here(server, limit=3, cursor=first.next_cursor)


@pytest.mark.parametrize("cursor", ["x", "%%%", "WzFd", "bnVsbA", "WyJhIiwiYiIsLTEsImMiXQ", "é"])
async def test_a_garbled_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(WrongArgument, match="cannot be read"):
        await ask_here(engine([engine_copies(["a.jpg", "b.jpg"])]), cursor=cursor)
