import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from lookalike_tools import (
    Answer,
    DuplicatesQuery,
    ExploreClient,
    LookalikeError,
    SummaryQuery,
    UniqueQuery,
    find_duplicates,
    find_unique,
    summarize_clusters,
)
from lookalike_tools.errors import BadAnswer
from tests.explore_servers import DATASET_ID, Heard, Server, copies, engine, listening, quirky, single
from tests.explore_servers.bodies import NAMES, NO_EXPLORE_API, everywhere

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_waiting")]

FORBIDDEN = {*"\u202e\u200b\u2060\ufeff\u2028\u2029\x85\x1b\x07\r", *(chr(0xE0000 + code) for code in range(128))}


async def ask_all(url: str) -> list[Answer]:
    async with ExploreClient.for_server(url, deadline=10) as explore:
        return [
            await find_duplicates(explore, DuplicatesQuery(), Heard(), 0),
            await find_unique(explore, UniqueQuery(), Heard(), 0),
            await summarize_clusters(explore, SummaryQuery(group_by="label"), Heard(), 0),
        ]


@pytest.mark.parametrize("kind", NAMES)
async def test_no_hostile_name_reaches_an_answer_as_it_came(kind: str) -> None:
    server = Server([copies("a", 3)], [single("s", nearest_file_path=NAMES[kind])])
    with listening(quirky(server.app(), f"names_{kind}")) as url:
        for answer in await ask_all(url):
            text = answer.text()
            rows = len(answer.text().splitlines())
            assert rows <= 12
            assert not FORBIDDEN & set(text)
            assert not any(line.startswith("3f2a91c0  2 exact") for line in text.splitlines())
            structured = json.dumps(answer.structured(), ensure_ascii=False)
            structured.encode()
            assert not FORBIDDEN & set(structured)


@pytest.mark.parametrize("kind", NAMES)
async def test_no_hostile_name_reaches_an_error_as_it_came(kind: str) -> None:
    server = Server([copies("a")], [single("s")], dataset={"status_new": "ERROR", "fatal_error_msg": NAMES[kind]})
    with listening(quirky(server.app(), f"names_{kind}")) as url, pytest.raises(LookalikeError) as caught:
        await ask_all(url)
    assert not (FORBIDDEN | {"\n"}) & set(str(caught.value))
    assert len(str(caught.value)) < 600


def replacing(broken: str, changed: Any) -> Callable[[str, Any], Any]:
    return lambda path, answer: changed if path == broken else answer


@pytest.mark.parametrize("wrong", [None, True, -5, 10**40, 1e300, "\ud800", [[]], {"a": []}], ids=repr)
async def test_a_wrong_type_anywhere_is_an_answer_or_an_error_of_ours(wrong: Any) -> None:
    server = engine([copies("a", labels={"cat": 2})], [single("s")])
    pages: dict[str, Any] = {}

    def remember(path: str, answer: Any) -> Any:
        pages.setdefault(path, answer)
        return answer

    server.mend = remember
    async with ExploreClient.for_app(server.app()) as explore:
        await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    for broken, sound in pages.items():
        for changed in everywhere(sound, wrong):
            server.mend = replacing(broken, changed)
            async with ExploreClient.for_app(server.app()) as explore:
                with contextlib.suppress(LookalikeError):
                    answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
                    json.dumps(answer.structured(), allow_nan=False).encode()
                    answer.text().encode()


@pytest.mark.parametrize("body", [*NO_EXPLORE_API, "wrong_types"])
async def test_what_is_not_the_explore_api_is_a_bad_answer(body: str) -> None:
    with listening(quirky(Server([copies("a")]).app(), body)) as url:
        async with ExploreClient.for_server(url, deadline=5) as explore:
            with pytest.raises(BadAnswer) as caught:
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert "log in" not in str(caught.value)


@pytest.mark.parametrize("answer", ["wrong_types", *NO_EXPLORE_API])
async def test_clusters_that_are_no_clusters_are_never_reported(answer: str) -> None:
    app = Server([copies("a")], [single("s")]).app()
    broken = quirky(app, answer)

    async def only_clusters(scope: Scope, receive: Receive, send: Send) -> None:
        await (broken if "/explore/" in scope["path"] else app)(scope, receive, send)

    with listening(only_clusters) as url:
        async with ExploreClient.for_server(url, deadline=5) as explore:
            with pytest.raises(BadAnswer):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


@pytest.mark.parametrize("quirk", ["one_id_for_all", "clusters_twice"])
async def test_a_cluster_id_that_comes_twice_is_one_cluster_and_said(quirk: str) -> None:
    server = Server([copies(f"a{i}") for i in range(5)], [single("s")])
    with listening(quirky(server.app(), quirk)) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.clusters is not None
    assert len({it.id for it in answer.clusters}) == len(answer.clusters) < 5
    assert not answer.complete
    assert any("came twice" in note for note in answer.notes)


@pytest.mark.parametrize("quirk", ["pages_repeat", "pages_shift"])
async def test_a_dataset_that_changes_while_it_is_read_is_not_called_complete(quirk: str) -> None:
    server = Server([copies(f"a{i}") for i in range(250)], [single("s")])
    with listening(quirky(server.app(), quirk)) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.clusters is not None
    assert not answer.complete
    assert answer.notes


async def test_pages_that_repeat_count_no_cluster_twice_and_say_so() -> None:
    server = Server([copies(f"a{i}") for i in range(150)], [single("s")])

    def shifted(path: str, answer: Any) -> Any:
        if path.endswith("000001") and "explore" in path and len(answer["clusters"]) == 50:
            return {**answer, "clusters": [server.duplicates[99], *answer["clusters"]]}
        return answer

    server.mend = shifted
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.totals is not None
    assert answer.totals.clusters == 150
    assert not answer.complete
    assert any("came twice" in note for note in answer.notes)


async def test_pages_that_never_end_stop_at_the_budget() -> None:
    server = Server([copies(f"a{i}") for i in range(100)], [single("s")])
    full = [dict(it) for it in server.duplicates]

    def always_full(path: str, answer: Any) -> Any:
        return (
            {**answer, "clusters": full}
            if path.endswith("000001") and len(answer.get("clusters", full)) < 2
            else answer
        )

    server.mend = always_full
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert not answer.complete


IDS_THAT_ARE_NONE = ["../../admin", "..", "", "a/b", "a?b", "a\r\nX: y", "%2e%2e", "ü"]


@pytest.mark.parametrize("identifier", IDS_THAT_ARE_NONE)
async def test_a_cluster_id_from_the_server_never_changes_the_path(identifier: str) -> None:
    server = Server([{**copies("a", 12), "cluster_id": identifier}], [single("s")])
    app, paths = server.app(), set[bytes]()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        paths.add(scope["raw_path"])
        await app(scope, receive, send)

    with listening(watched) as url:
        async with ExploreClient.for_server(url) as explore:
            with contextlib.suppress(LookalikeError):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    known = ("datasets", f"dataset/{DATASET_ID}", f"explore/{DATASET_ID}", f"explore/{DATASET_ID}/exploration_metadata")
    assert paths <= {f"/api/v1/{path}".encode() for path in known}
    assert server.questions(f"/explore/{DATASET_ID}")


@pytest.mark.parametrize("identifier", IDS_THAT_ARE_NONE)
async def test_an_id_from_the_server_never_changes_the_path(identifier: str) -> None:
    server = Server(dataset={"id": identifier})
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(LookalikeError):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert {request.scope["raw_path"] for request in server.requests} == {b"/api/v1/datasets"}
