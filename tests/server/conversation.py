"""A conversation with the real server over in-memory streams, about pictures with known truth."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from mcp import Client
from mcp.types import CallToolResult, TextContent

from lookalike_server.app import create_server
from lookalike_server.configuration import load_configuration
from lookalike_server.connections import Connections

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")


@asynccontextmanager
async def conversation(folders: list[str], cache: Path, *, era: Era = "auto", **settings: Any) -> AsyncIterator[Client]:
    """A client connected to a server over ``folders`` and whatever ``settings`` name."""
    configuration = load_configuration({"cache_dir": cache, **settings}, folders)
    async with Client(create_server(Connections(configuration)), mode=era) as client:
        yield client


@asynccontextmanager
async def configured_conversation(file: Path, folders: Sequence[str] = (), **flags: Any) -> AsyncIterator[Client]:
    """A client connected to a server over the sources of a configuration file, the environment and ``folders``."""
    configuration = load_configuration({"config": file, "cache_dir": file.parent / "cache", **flags}, folders)
    async with Client(create_server(Connections(configuration))) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    """What a host that shows the text channel shows its model."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def facts_of(result: CallToolResult) -> dict[str, Any]:
    """What a host that shows the structured channel shows its model; an error has none."""
    assert not result.is_error, text_of(result)
    facts: dict[str, Any] | None = result.structured_content
    assert facts is not None
    return facts
