import json
from collections.abc import Iterator
from typing import Any

import pytest

from lookalike_tools import (
    Answer,
    DuplicatesQuery,
    ExploreClient,
    SummaryQuery,
    UniqueQuery,
    UntrustedText,
    find_duplicates,
    find_unique,
    summarize_clusters,
)
from lookalike_tools.untrusted import named
from tests.explore_servers import Heard, Server, copies, engine, engine_copies, single

pytestmark = pytest.mark.anyio


async def ask_all(server: Server, group_by: str | None) -> list[Answer]:
    async with ExploreClient.for_app(server.app()) as explore:
        return [
            await find_duplicates(explore, DuplicatesQuery(limit=3), Heard(), 0),
            await find_unique(explore, UniqueQuery(limit=3), Heard(), 0),
            await summarize_clusters(explore, SummaryQuery.model_validate({"group_by": group_by}), Heard(), 0),
        ]


def leaves(value: Any) -> Iterator[Any]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if parts is None:
        yield value
    else:
        for part in parts:
            yield from leaves(part)


def spellings(leaf: Any) -> set[str]:
    """How the text may say it."""
    if isinstance(leaf, float):
        return {f"{leaf:.2f}", repr(leaf)}
    if isinstance(leaf, int):
        return {f"{leaf:,}"}
    return {leaf, named(UntrustedText(leaf)), json.dumps(leaf, ensure_ascii=False)}


FULL = engine(
    [
        engine_copies(["cats/a.jpg", "cats/b, c.jpg", "dogs/d.jpg"], labels={"cat": 2, "a, b": 1}, user_tags=["mine"]),
        *[engine_copies([f"{i}/a.jpg", f"{i}/b.jpg"], exact=True, reason="shortest_path") for i in range(4)],
    ],
    [
        single(f"o{i}", file_path=f"x/o {i}.jpg", uniqueness=0.91, nearest_file_path="x/n.jpg", nearest_similarity=0.4)
        for i in range(5)
    ],
)
PLAIN = Server([copies("a", 40, labels={"cat": 3}), copies("b, c")], [single("s")])


@pytest.mark.parametrize(("server", "group_by"), [(FULL, "folder"), (PLAIN, None)])
async def test_every_fact_of_the_structured_channel_is_in_the_text(server: Server, group_by: str | None) -> None:
    for answer in await ask_all(server, group_by):
        text = answer.text()
        for leaf in leaves(answer.structured()):
            if leaf is False or leaf is True or (leaf == 0 and isinstance(leaf, int)):
                continue
            assert any(spelling in text for spelling in spellings(leaf)), (leaf, text)


async def test_what_is_true_or_false_is_said_in_the_text_too() -> None:
    near, exact = (await ask_all(FULL, None))[0].text().splitlines()[-3:-1]
    assert " near" in near
    assert " exact" in exact


@pytest.mark.parametrize(("server", "group_by"), [(FULL, "folder"), (PLAIN, None)])
async def test_the_structured_channel_fits_its_own_model(server: Server, group_by: str | None) -> None:
    for answer in await ask_all(server, group_by):
        structured = json.loads(json.dumps(answer.structured(), allow_nan=False))
        assert type(answer).model_validate(structured) == answer
        assert None not in leaves(structured)


async def test_an_output_schema_is_closed_and_knows_no_null() -> None:
    for answer in await ask_all(PLAIN, None):
        schema = type(answer).model_json_schema(mode="serialization")
        objects = [schema, *schema["$defs"].values()]
        assert all(it["additionalProperties"] is False for it in objects if it["type"] == "object")
        assert '"null"' not in json.dumps(schema)
