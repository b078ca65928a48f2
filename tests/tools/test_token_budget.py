import json
import random
import uuid
from collections.abc import Callable
from typing import Any

import bpe_openai
import pytest

from lookalike_tools import (
    Answer,
    DuplicatesQuery,
    ExploreClient,
    SummaryQuery,
    UniqueQuery,
    duplicates,
    find_duplicates,
    find_unique,
    summarize_clusters,
    summary,
    unique,
)
from lookalike_tools.tokens import estimated_tokens
from tests.explore_servers import Heard, Server, engine, engine_copies, single

ENCODINGS = [bpe_openai.get_encoding(name) for name in ("o200k_base", "cl100k_base")]
SEED = random.Random(7)


def counted(text: str) -> int:
    return max(len(encoding.encode_ordinary(text)) for encoding in ENCODINGS)


def channels(answer: Answer) -> tuple[str, str]:
    structured = json.dumps(answer.structured(), ensure_ascii=False, separators=(",", ":"))
    return answer.text(), structured


def letters(alphabet: str, low: int, high: int) -> str:
    return "".join(SEED.choice(alphabet) for _ in range(SEED.randint(low, high)))


NAMES: dict[str, Callable[[int], str]] = {
    "camera": lambda i: f"DCIM/100CANON/IMG_{i:04}.JPG",
    "dated": lambda i: f"2023-{i % 12 + 1:02}/20230412_{i:06}.jpg",
    "words": lambda i: f"holiday/summer beach/family portrait {i} (edited).jpg",
    "uuid": lambda i: f"{uuid.UUID(int=SEED.getrandbits(128))}-{i}.webp",
    "chinese": lambda i: "照片/" + letters("猫狗山水花鸟鱼虫日月星辰鷗図形写真", 5, 20) + f"{i}.png",
    "emoji": lambda i: letters("😀🐈🐕🌸🏔️👨‍👩‍👧", 5, 20) + f"{i}.gif",
    "random": lambda i: letters("abcdefghijklmnopqrstuvwxyz", 30, 60) + f"{i}",
    "punctuation": lambda i: letters("!#$%&'*+-;=@^_`{}~[]()", 30, 60) + f"{i}",
    "vowels": lambda i: "a" * 180 + "bbb" * (i % 3),
    "quoted": lambda i: letters('",  \\', 30, 60) + f"{i}",
    "arabic": lambda i: letters("قطةكلبصورةجميلة", 10, 40) + f"{i}",
    "invisible": lambda i: letters("\u202e\u200b\U000e0041\x1b", 20, 300) + f"{i}",
    "long": lambda i: "/".join(["a folder"] * 120) + f"{i}.jpg",
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_estimate_is_never_below_a_real_tokenizer(kind: str) -> None:
    names = [NAMES[kind](i) for i in range(60)]
    for text in ("\n".join(names), json.dumps([{"path": name} for name in names], ensure_ascii=False)):
        assert estimated_tokens(text) >= counted(text)


@pytest.mark.anyio
@pytest.mark.parametrize("limit", [1, 20, 100])
@pytest.mark.parametrize("kind", NAMES)
async def test_every_answer_holds_its_budget_in_both_channels(kind: str, limit: int) -> None:
    name = NAMES[kind]
    groups = [
        engine_copies([name(100 * i + j) for j in range(9)], labels={name(j): 1 for j in range(9)}) for i in range(101)
    ]
    singles = [single(f"s{i}", file_path=name(i), uniqueness=0.9, nearest_file_path=name(i)) for i in range(120)]
    server = engine(groups, singles)
    server.dataset |= {"display_name": name(1), "root_path": name(2), "skipped_reasons": {name(i): i for i in range(9)}}
    budget = 2000 if limit <= 20 else 8000
    async with ExploreClient.for_app(server.app()) as explore:
        answers: list[Answer] = [
            await find_duplicates(explore, DuplicatesQuery(limit=limit), Heard(), 0),
            await find_unique(explore, UniqueQuery(limit=limit), Heard(), 0),
            await summarize_clusters(explore, SummaryQuery(group_by="folder"), Heard(), 0),
        ]
    for answer in answers:
        for channel in channels(answer):
            assert counted(channel) <= budget


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["camera", "dated", "words"])
async def test_a_default_page_of_usual_names_shows_twenty_clusters(kind: str) -> None:
    server = engine([engine_copies([NAMES[kind](3 * i + j) for j in range(3)]) for i in range(30)])
    async with ExploreClient.for_app(server.app()) as explore:
        answer = await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert answer.shown == 20


@pytest.mark.anyio
async def test_what_was_left_out_to_fit_is_said_and_the_next_page_begins_with_it() -> None:
    groups = [engine_copies([NAMES["uuid"](i), NAMES["chinese"](i) * 5, NAMES["random"](i) * 3]) for i in range(30)]
    server: Server = engine(groups)
    seen: list[str] = []
    cursor = None
    async with ExploreClient.for_app(server.app()) as explore:
        while True:
            answer = await find_duplicates(explore, DuplicatesQuery(limit=20, cursor=cursor), Heard(), 0)
            for shown in answer.clusters or ():
                assert 1 + len(shown.others) + shown.others_more == shown.n
            if answer.shown is not None and answer.shown < 20 and answer.next_cursor:
                assert any("rows shown" in note for note in answer.notes)
            seen += [it.id for it in answer.clusters or ()]
            cursor = answer.next_cursor
            if cursor is None:
                break
    assert seen == [it["short_id"] for it in groups]


def test_the_three_definitions_hold_their_budget() -> None:
    tools: list[tuple[Any, Any]] = [(duplicates, DuplicatesQuery), (unique, UniqueQuery), (summary, SummaryQuery)]
    definitions = [
        {"name": tool.NAME, "description": tool.DESCRIPTION, "input_schema": query.model_json_schema()}
        for tool, query in tools
    ]
    assert counted(json.dumps(definitions)) <= 1500
    assert all(len(tool.DESCRIPTION) < 600 for tool, _ in tools)


@pytest.mark.parametrize("query", [DuplicatesQuery, UniqueQuery, SummaryQuery])
def test_input_schemas_are_closed_flat_and_described(query: type[DuplicatesQuery]) -> None:
    schema = query.model_json_schema()
    assert schema["additionalProperties"] is False
    assert not {"$ref", "$defs", "anyOf"} & set(json.dumps(schema).replace('"', " ").split())
    assert all(field["description"] and "type" in field for field in schema["properties"].values())
