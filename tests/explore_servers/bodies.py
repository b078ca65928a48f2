"""Bodies that are not what they should be."""

import gzip
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.explore_servers.contents import Json
from tests.explore_servers.quirks import QUIRKS, Quirk, quirk
from tests.explore_servers.rewriting import rewriting, rewriting_clusters, rewriting_datasets, rewriting_previews

MiB = 2**20
PAGE = 100
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
"""What a hostile dataset may call its images, its labels and itself; each a quirk with names_ before it."""

NO_EXPLORE_API: dict[str, Callable[[], Response]] = {
    "html": lambda: Response("<html>Please log in</html>", media_type="text/html"),
    "truncated_json": lambda: Response('[{"id": "x"', media_type="application/json"),
    "nested_deep": lambda: Response("[" * 200_000),
    "not_a_number": lambda: Response('[{"id": "x", "similarity_floor": NaN}]'),
    "huge_number": lambda: Response('[{"id": "x", "n_images": ' + "9" * (sys.get_int_max_str_digits() + 1) + "}]"),
    "not_text": lambda: Response(b"\xff\xfe\x00\x81", media_type="application/json"),
    "empty": lambda: Response(b""),
    "fifty_megabytes": lambda: StreamingResponse(itertools.repeat(b" " * MiB, 50)),
    "gzip_bomb": lambda: Response(_bomb(), headers={"content-encoding": "gzip"}),
    "unknown_encoding": lambda: Response(b"[]", headers={"content-encoding": "br"}),
    "no_gzip_at_all": lambda: Response(b"[]", headers={"content-encoding": "gzip"}),
    "half_a_gzip": lambda: Response(gzip.compress(b"[]" * 1000)[:-12], headers={"content-encoding": "gzip"}),
}
"""Bodies with status 200 that no Explore server sends, each a quirk of the same name."""


def _bomb() -> bytes:
    return gzip.compress(b" " * (60 * MiB))


def instead(response: Callable[[], Response]) -> Quirk:
    """Answers this to everything."""

    def make(_app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await response()(scope, receive, send)

        return answer

    return make


for _name, _response in NO_EXPLORE_API.items():
    QUIRKS[_name] = instead(_response)


def everywhere(value: Any, wrong: Any) -> Iterator[Any]:
    """Copies of `value`, each with one part replaced by `wrong`."""
    yield wrong
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        for changed in everywhere(part, wrong):
            yield {**value, key: changed} if isinstance(value, dict) else [*value[:key], changed, *value[key + 1 :]]


@quirk
def wrong_types(app: ASGIApp) -> ASGIApp:
    """Every field holds something of another type than it should."""
    return rewriting(app, _wrong, "/api/v1/.+")


def _wrong(value: Any) -> Any:
    match value:
        case dict():
            return {key: _wrong(part) for key, part in value.items()}
        case list():
            return [_wrong(part) for part in value] or {"a": 1}
        case str():
            return [[value]]
        case None:
            return {"nothing": []}
        case _:
            return "many"


@quirk
def one_id_for_all(app: ASGIApp) -> ASGIApp:
    """All clusters have the same id."""
    return rewriting_clusters(app, lambda cluster: {**cluster, "cluster_id": "00000000-0000-4000-8000-00000000dead"})


@quirk
def clusters_twice(app: ASGIApp) -> ASGIApp:
    """Every page holds its last cluster in the place of its first one too."""

    def doubled(page: Json) -> Json:
        clusters = page.get("clusters", [])
        return {**page, "clusters": [clusters[-1], *clusters[1:]]} if clusters else page

    return rewriting(app, doubled, "/explore/.+")


def _naming(name: str) -> Quirk:
    def image(preview: Json) -> Json:
        return {**preview, "file_name": name, "file_path": f"{name}/{preview['media_id']}/{name}"}

    def make(app: ASGIApp) -> ASGIApp:
        named = rewriting_previews(app, image)
        named = rewriting_clusters(named, lambda cluster: {**cluster, "labels": {name: 2}, "user_tags": [name]})
        return rewriting_datasets(named, lambda dataset: {**dataset, "display_name": name})

    return make


for _name, _hostile in NAMES.items():
    QUIRKS[f"names_{_name}"] = _naming(_hostile)


def _shifting(by: int) -> Quirk:
    """Once a list's first page has been read, the list is shifted by `by` clusters: -1 takes the first one away."""

    def make(app: ASGIApp) -> ASGIApp:
        begun: set[bytes] = set()

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            number, rest = _page_number(scope)
            if not scope["path"].startswith("/api/v1/explore/") or scope["path"].count("/") != 4 or rest not in begun:
                begun.update([rest] if number == 0 else [])
                await app(scope, receive, send)
                return
            begin = PAGE * number - by
            numbers = range(max(0, begin) // PAGE, (begin + PAGE - 1) // PAGE + 1)
            pages = [await _page(app, scope, receive, near) for near in numbers]
            clusters = [cluster for page in pages for cluster in page["clusters"]]
            skip = max(0, begin) - PAGE * numbers.start
            first = clusters[:1] if begin < 0 else []
            new = [{**it, "cluster_id": "00000000-0000-4000-8000-0000000000ff"} for it in first]
            shifted = {**pages[0], "clusters": [*new, *clusters[skip : skip + PAGE - len(new)]]}
            await Response(json.dumps(shifted), media_type="application/json")(scope, receive, send)

        return answer

    return make


def _page_number(scope: Scope) -> tuple[int, bytes]:
    """The page that is asked for, and the rest of the query."""
    parts = scope["query_string"].split(b"&")
    numbers = [part.removeprefix(b"page_number=") for part in parts if part.startswith(b"page_number=")]
    return int((numbers or [b"0"])[0]), b"&".join(part for part in parts if not part.startswith(b"page_number="))


async def _page(app: ASGIApp, scope: Scope, receive: Receive, number: int) -> Any:
    _, rest = _page_number(scope)
    body = bytearray()

    async def keep(message: Any) -> None:
        body.extend(message.get("body", b""))

    await app({**scope, "query_string": rest + b"&page_number=%d" % number}, receive, keep)
    return json.loads(body)


QUIRKS["pages_repeat"] = _shifting(1)
QUIRKS["pages_shift"] = _shifting(-1)
