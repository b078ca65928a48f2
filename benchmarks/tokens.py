"""Tokens of the tool definitions, and of one page of 20 clusters in both channels, beside the raw Explore JSON.

Counted with o200k_base, whose vocabulary is inside the PyPI package bpe-openai.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx
from bpe_openai import get_encoding
from mcp import Client
from mcp.types import TextContent

from benchmarks.report import heading, table
from lookalike_engine import Engine, EngineSettings, FolderDataset
from lookalike_server.app import create_server
from lookalike_server.configuration import load_configuration
from lookalike_server.connections import Connections
from tests.pictures import scene

CLUSTERS = 20
DUPLICATES = '[{"duplicates": {"op": "duplicates", "value": 0.95}}]'
PLACES = ("2023/holiday in Lisbon", "2024/garden", "phone backup/DCIM", "from Maria")

ENCODING = get_encoding("o200k_base")


def tokens(text: str) -> int:
    """How many o200k tokens ``text`` has."""
    return len(ENCODING.encode_ordinary(text))


def compact(value: object) -> str:
    """JSON as it goes to a model: no spaces, no escapes that are not needed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def make_pictures(folder: Path) -> None:
    """Twenty clusters of two to nine copies, under names such as people and cameras give."""
    for seed in range(CLUSTERS):
        picture = scene(seed, (320, 240))
        for copy in range(2 + seed % 8):
            place = folder / PLACES[(seed + copy) % len(PLACES)]
            place.mkdir(parents=True, exist_ok=True)
            suffix = f" ({copy})" if copy else ""
            picture.save(place / f"IMG_{20240310 + seed}_{seed * 7919:06}{suffix}.jpg", quality=95 - 5 * copy)


async def measure(folder: Path, cache: Path) -> tuple[list[tuple[str, int]], list[tuple[str, int, int]]]:
    """Definitions as (name, tokens), and answers as (what, bytes, tokens)."""
    configuration = load_configuration({"cache_dir": cache, "config": Path(os.devnull)}, [str(folder)])
    async with Client(create_server(Connections(configuration))) as client:
        listed = [tool.model_dump(mode="json", by_alias=True) for tool in (await client.list_tools()).tools]
        answer = await client.call_tool("find_duplicates", {})
    definitions = [
        (tool["name"], tokens(compact({key: tool[key] for key in ("name", "description", "inputSchema")})))
        for tool in listed
    ]
    text = "\n".join(block.text for block in answer.content if isinstance(block, TextContent))
    pages = {
        "raw Explore JSON": await raw_page(folder, cache),
        "text channel": text,
        "structured channel": compact(answer.structured_content),
    }
    return definitions, [(what, len(page.encode()), tokens(page)) for what, page in pages.items()]


async def raw_page(folder: Path, cache: Path) -> str:
    """The page of the same 20 clusters as the Explore API gives it."""
    engine = Engine([FolderDataset(folder.name, (folder,))], EngineSettings(cache_dir=cache))
    try:
        transport = httpx.ASGITransport(engine.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as explore:
            dataset: dict[str, Any] = (await explore.get("/api/v1/datasets")).json()[0]
            page = await explore.get(f"/api/v1/explore/{dataset['id']}", params={"vql": DUPLICATES})
            return page.raise_for_status().text
    finally:
        engine.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    heading("Tokens (o200k_base)", "lookalike-mcp", "mcp", "bpe-openai")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        make_pictures(folder)
        definitions, pages = anyio.run(measure, folder, Path(scratch) / "cache")
    total = sum(count for _, count in definitions)
    table(("definition", "tokens"), [*definitions, ("all three (budget 1,500)", total)])
    raw = pages[0][2]
    print()
    table(
        (f"page of {CLUSTERS} clusters (budget 2,000)", "bytes", "tokens", "share of raw"),
        [(what, f"{size:,}", f"{count:,}", f"{count / raw:.1%}") for what, size, count in pages],
    )


if __name__ == "__main__":
    main()
