import json
import os
from pathlib import Path
from typing import Any

import pytest
from bpe_openai import get_encoding

from tests.server.conversation import ERAS, Era, conversation

SNAPSHOT = Path(__file__).parent / "tools.snapshot.json"
CORE_BUDGET = 1_500
"""Tokens of names, descriptions and input schemas of the three core tools together."""


async def listed(folder: Path, era: Era = "auto") -> list[dict[str, Any]]:
    (folder / "pictures").mkdir()
    async with conversation([str(folder / "pictures")], folder / "cache", era=era) as client:
        tools = (await client.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_names_order_and_schemas_are_the_committed_ones(tmp_path: Path, era: Era) -> None:
    """Run with UPDATE_SNAPSHOTS=1 after a deliberate change, and read the diff: clients depend on these."""
    tools = await listed(tmp_path, era)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(tools, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert tools == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


@pytest.mark.anyio
async def test_every_tool_is_titled_annotated_as_reading_only_and_closed(tmp_path: Path) -> None:
    for tool in await listed(tmp_path):
        assert tool["title"]
        assert tool["annotations"]["readOnlyHint"] is True
        assert tool["annotations"]["idempotentHint"] is True
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["outputSchema"]["additionalProperties"] is False
        assert all("description" in field for field in tool["inputSchema"]["properties"].values())


@pytest.mark.anyio
async def test_input_schemas_are_flat_so_that_every_host_accepts_them(tmp_path: Path) -> None:
    for tool in await listed(tmp_path):
        text = json.dumps(tool["inputSchema"])
        assert not any(word in text for word in ("$ref", "$defs", "anyOf", "oneOf", "allOf", "null"))


@pytest.mark.anyio
async def test_definitions_stay_within_their_token_budget(tmp_path: Path) -> None:
    count = get_encoding("o200k_base")
    tools = await listed(tmp_path)
    shown = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in tools]
    assert len(count.encode_ordinary(json.dumps(shown))) <= CORE_BUDGET


@pytest.mark.anyio
async def test_tools_are_listed_before_anything_is_indexed(tmp_path: Path) -> None:
    await listed(tmp_path)
    assert not (tmp_path / "cache").exists()
