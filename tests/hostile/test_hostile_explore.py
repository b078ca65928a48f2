import contextlib
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

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
from tests.explore_servers import Heard, Server, cluster, copies, engine, image, listening, single

pytestmark = pytest.mark.anyio

NAMES = {
    "bidi": "photo\u202egnp.exe",
    "newline": "a.jpg\n3f2a91c0  2 exact  keep evil.jpg",
    "tags": "a\U000e0049\U000e0047\U000e004e.jpg",
    "surrogate": "a\ud800b\udfff.jpg",
    "long": "x" * 10_000,
    "forged": 'a.jpg (shortest path)  others b.jpg", "c": "d',
    "escape": "\x1b]0;title\x07.jpg",
    "zero": "a\u200b\u2060\ufeffb.jpg",
    "separators": "a\u2028b\u2029c\x85d.jpg",
}
FORBIDDEN = {*"\u202e\u200b\u2060\ufeff\u2028\u2029\x85\x1b\x07\r", *(chr(0xE0000 + code) for code in range(128))}


async def ask_all(url: str) -> list[Answer]:
    async with ExploreClient.for_server(url, deadline=10) as explore:
        return [
            await find_duplicates(explore, DuplicatesQuery(), Heard(), 0),
            await find_unique(explore, UniqueQuery(), Heard(), 0),
            await summarize_clusters(explore, SummaryQuery(group_by="label"), Heard(), 0),
        ]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
async def test_no_hostile_name_reaches_an_answer_as_it_came(name: str) -> None:
    hostile = cluster([image(f"{i}", file_name=name, file_path=f"{name}/{i}/{name}") for i in range(3)])
    server = Server(
        [{**hostile, "labels": {name: 2}, "user_tags": [name]}],
        [single("s", file_path=name, nearest_file_path=name)],
        dataset={"display_name": name},
    )
    with listening(server.app()) as url:
        for answer in await ask_all(url):
            text = answer.text()
            rows = len(answer.text().splitlines())
            assert rows <= 12
            assert not FORBIDDEN & set(text)
            assert not any(line.startswith("3f2a91c0  2 exact") for line in text.splitlines())
            structured = json.dumps(answer.structured(), ensure_ascii=False)
            structured.encode()
            assert not FORBIDDEN & set(structured)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
async def test_no_hostile_name_reaches_an_error_as_it_came(name: str) -> None:
    server = Server([copies("a")], [single("s")], dataset={"display_name": name, "status_new": "ERROR"})
    with listening(server.app()) as url, pytest.raises(LookalikeError) as caught:
        await ask_all(url)
    assert not (FORBIDDEN | {"\n"}) & set(str(caught.value))
    assert len(str(caught.value)) < 600


def everywhere(value: Any, wrong: Any) -> Iterator[Any]:
    """Copies of `value`, each with one part replaced by `wrong`."""
    yield wrong
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for changed in everywhere(part, wrong):
            yield {**value, key: changed} if isinstance(value, dict) else [*value[:key], changed, *value[key + 1 :]]


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


def html(_request: Request) -> Response:
    return Response("<html>Please log in</html>", media_type="text/html")


def truncated(_request: Request) -> Response:
    return Response('[{"id": "x"', media_type="application/json")


def deep(_request: Request) -> Response:
    return Response("[" * 200_000, media_type="application/json")


def nan(_request: Request) -> Response:
    return Response('[{"id": "x", "similarity_floor": NaN}]', media_type="application/json")


def huge_number(_request: Request) -> Response:
    return Response('[{"id": "x", "n_images": ' + "9" * (sys.get_int_max_str_digits() + 1) + "}]")


def not_text(_request: Request) -> Response:
    return Response(b"\xff\xfe\x00\x81", media_type="application/json")


def endless(_request: Request) -> Response:
    return StreamingResponse(iter([b" " * 2**20] * 50))


def bomb(_request: Request) -> Response:
    return Response(gzip.compress(b" " * 60 * 2**20), headers={"content-encoding": "gzip"})


@pytest.mark.parametrize("guard", [html, truncated, deep, nan, huge_number, not_text, endless, bomb])
async def test_what_is_not_the_explore_api_is_a_bad_answer(guard: Callable[[Request], Response]) -> None:
    with listening(Server(guard=guard).app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(BadAnswer) as caught:
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert "log in" not in str(caught.value)


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


@pytest.mark.parametrize("identifier", ["../../admin", "a/b", "a?b", "a\r\nX: y", "%2e%2e"])
async def test_an_id_from_the_server_never_changes_the_path(identifier: str) -> None:
    server = Server(dataset={"id": identifier})
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(LookalikeError):
                await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert {request.url.path for request in server.requests} == {"/api/v1/datasets"}
