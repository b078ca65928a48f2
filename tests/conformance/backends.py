"""What the suite talks to: an Explore server that serves two known sets of pictures."""

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lookalike_engine import Engine, EngineSettings, FolderDataset
from tests.loopback import served
from tests.pictures import Truth, scene

CROWD_SINGLES = 104
CROWD_COPIES = 103


@dataclass(frozen=True)
class Pictures:
    """The sets on disk. `crowd` has more clusters than a page, and a cluster with more members than a page."""

    mixed: Path
    truth: Truth
    crowd: Path


@dataclass(frozen=True)
class Explore:
    """A server that answers the Explore API, and which of its datasets is which."""

    client: httpx.AsyncClient
    mixed: str
    crowd: str
    pictures: Pictures

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        """Ask; parameters that are no strings are sent as JSON."""
        query = {name: given if isinstance(given, str) else json.dumps(given) for name, given in parameters.items()}
        return await self.client.get(path, params=query)

    async def ok(self, path: str, **parameters: Any) -> Any:
        """Ask for what must be answered, and return the body."""
        response = await self.get(path, **parameters)
        assert response.status_code == 200, response.text
        return response.json()

    async def clusters(self, dataset: str, **parameters: Any) -> list[dict[str, Any]]:
        """Read all pages."""
        found: list[dict[str, Any]] = []
        while True:
            body = await self.ok(f"/explore/{dataset}", page_number=len(found) // 100, **parameters)
            found += body["clusters"]
            if len(body["clusters"]) < 100:
                return found


Backend = Callable[[Pictures, Path], AbstractAsyncContextManager[Explore]]
"""Serves the sets, with a folder to work in. Another backend joins the suite by being listed in `conftest.py`."""


def save_crowd(folder: Path) -> None:
    """Write many small scenes, and one of them many times over."""
    for place, count in (("singles", CROWD_SINGLES), ("copies", CROWD_COPIES)):
        (folder / place).mkdir(parents=True)
        for number in range(count):
            buffer = io.BytesIO()
            if number == 0 or place == "singles":
                scene(1000 + number if place == "singles" else 1, (96, 72)).save(buffer, "PNG")
                encoded = buffer.getvalue()
            (folder / place / f"{number:03}.png").write_bytes(encoded)


@asynccontextmanager
async def engine_over_asgi(pictures: Pictures, cache: Path) -> AsyncIterator[Explore]:
    """The engine, called in-process."""
    engine = _engine(pictures, cache)
    transport = httpx.ASGITransport(engine.app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://lookalike.invalid/api/v1") as client:
            yield await _explore(client, pictures)
    finally:
        engine.close()


@asynccontextmanager
async def engine_over_http(pictures: Pictures, cache: Path) -> AsyncIterator[Explore]:
    """The engine behind a real HTTP server on loopback."""
    engine = _engine(pictures, cache)
    try:
        with served(engine.app) as url:
            async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=60) as client:
                yield await _explore(client, pictures)
    finally:
        engine.close()


def _engine(pictures: Pictures, cache: Path) -> Engine:
    datasets = [FolderDataset("mixed", (pictures.mixed,)), FolderDataset("crowd", (pictures.crowd,))]
    return Engine(datasets, EngineSettings(cache_dir=cache))


async def _explore(client: httpx.AsyncClient, pictures: Pictures) -> Explore:
    listed = (await client.get("/datasets")).json()
    ids = {dataset["display_name"]: dataset["id"] for dataset in listed}
    return Explore(client, ids["mixed"], ids["crowd"], pictures)
