"""``make demo``: start the real server, ask the three tools, and print what a model reads beside what it stands for."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
import httpx
from bpe_openai import get_encoding
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from demo.pictures import DemoSet, make_pictures
from lookalike_engine import Engine, EngineSettings, FolderDataset

DUPLICATES = '[{"duplicates": {"op": "duplicates", "value": 0.95}}]'
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("find_duplicates", {}),
    ("find_unique", {"limit": 5}),
    ("summarize_clusters", {"group_by": "folder"}),
)

ENCODING = get_encoding("o200k_base")
PIECE = 100_000
"""Characters counted at once."""


def main() -> None:
    """Run the demo on generated pictures, or on the folder named on the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="a folder of your own; it is only read")
    folder: Path | None = parser.parse_args().folder
    with tempfile.TemporaryDirectory(prefix="lookalike-demo-") as scratch:
        cache = Path(scratch) / "cache"
        if folder is not None:
            if not folder.expanduser().is_dir():
                raise SystemExit(f"{folder} is not a folder. Give an existing one: make demo FOLDER=~/Pictures")
            anyio.run(_show, folder.expanduser().resolve(), cache, None)
            return
        print("Making a small set of pictures with known copies ...")
        made = make_pictures(Path(scratch) / "pictures")
        anyio.run(_show, made.folder, cache, made)


async def _show(folder: Path, cache: Path, truth: DemoSet | None) -> None:
    command = Path(sys.executable).with_name("lookalike")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")},
        "LOOKALIKE_CACHE_DIR": str(cache),
    }
    server = StdioServerParameters(command=str(command), args=["serve", str(folder)], env=environment)
    print(f"Starting: lookalike serve {folder}\n")
    answers: dict[str, CallToolResult] = {}
    async with Client(server) as client:
        listed = await client.list_tools()
        print(f"tools/list: {', '.join(tool.name for tool in listed.tools)}")
        for name, arguments in QUESTIONS:
            shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
            answers[name] = await client.call_tool(name, arguments, progress_callback=_progress)
            print(f"\n=== {name}({shown}) — what the model reads\n\n{_text(answers[name])}")
    shown = (answers["find_duplicates"].structured_content or {}).get("shown", 0)
    _compare(await _raw_explore_clusters(folder, cache, shown), _text(answers["find_duplicates"]), shown)
    if truth is not None:
        _check(truth, answers["find_duplicates"])


async def _progress(progress: float, total: float | None, message: str | None) -> None:
    if sys.stderr.isatty():
        of_total = "" if total is None else f"/{total:g}"
        print(f"  {message or ''} {progress:g}{of_total}    ", end="\r", file=sys.stderr)


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def _raw_explore_clusters(folder: Path, cache: Path, count: int) -> str:
    """The first ``count`` duplicate clusters as the Explore API gives them, which the answer above stands for."""
    engine = Engine([FolderDataset(folder.name, (folder,))], EngineSettings(cache_dir=cache))
    try:
        transport = httpx.ASGITransport(engine.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as explore:
            dataset = (await explore.get("/api/v1/datasets")).json()[0]["id"]
            page = await explore.get(f"/api/v1/explore/{dataset}", params={"vql": DUPLICATES, "entity_type": "IMAGES"})
            whole = page.raise_for_status().json()
            return json.dumps(whole | {"clusters": whole["clusters"][:count]}, separators=(",", ":"))
    finally:
        engine.close()


def _compare(raw: str, answer: str, clusters: int) -> None:
    sizes = [(len(text.encode()), _tokens(text)) for text in (raw, answer)]
    print("\n=== What that stands for\n")
    print(f"{'':34}{'bytes':>12}{'tokens (o200k)':>18}")
    labels = (f"raw Explore JSON, {clusters} clusters", "find_duplicates, the same")
    for label, (size, tokens) in zip(labels, sizes, strict=True):
        print(f"{label:34}{size:>12,}{tokens:>18,}")


def _tokens(text: str) -> int:
    """Counted in pieces: the tokenizer refuses very long texts, and a cut costs a token at most."""
    return sum(len(ENCODING.encode_ordinary(text[at : at + PIECE])) for at in range(0, len(text), PIECE))


def _check(truth: DemoSet, result: CallToolResult) -> None:
    """Compare what the model was told with what was made."""
    content: dict[str, Any] = result.structured_content or {}
    found = {
        frozenset([cluster["keep"], *(other["path"] for other in cluster["others"])])
        for cluster in content.get("clusters", [])
    }
    made = set(truth.clusters)
    joined = truth.one_scene in found
    found -= {truth.one_scene}
    print("\n=== Against the truth\n")
    print(f"{truth.images} pictures were made, {len(made)} scenes in copies: {len(made & found)} clusters found whole,")
    print(f"{len(made - found)} missed or incomplete, {len(found - made)} reported that are none.")
    print(
        f"Two shots of one scene, the motorcycle's from left and right, were {'' if joined else 'not '}taken for copies"
        + (": so close to each other they may be, see docs/engine.md." if joined else ".")
    )
    if made != found:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
