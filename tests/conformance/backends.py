"""What the suite talks to: an Explore server that serves two known sets of pictures."""

import io
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from lookalike_engine import Engine, EngineSettings, FolderDataset
from lookalike_tools import Credentials, ExploreClient
from tests.conformance import known_sets
from tests.explore_servers import Collection, cloud, listening, on_premises, tokens
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
    connect: Callable[[], ExploreClient]
    """The tools' own way to the same server."""

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
"""Serves the sets, with a folder to work in. Another backend joins the suite by being listed at the end."""


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
            yield await _explore(client, pictures, lambda: ExploreClient.for_app(engine.app))
    finally:
        engine.close()


@asynccontextmanager
async def engine_over_http(pictures: Pictures, cache: Path) -> AsyncIterator[Explore]:
    """The engine behind a real HTTP server on loopback."""
    engine = _engine(pictures, cache)
    try:
        with served(engine.app) as url:
            async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=60) as client:
                yield await _explore(client, pictures, lambda: ExploreClient.for_server(url))
    finally:
        engine.close()


@asynccontextmanager
async def documented_cloud(pictures: Pictures, _cache: Path) -> AsyncIterator[Explore]:
    """The stand-in for the cloud, asked with the token (here for a day) and the entity type that it requires."""
    tomorrow = int(time.time()) + 86_400
    credentials = Credentials(api_key=tokens.KEY, api_secret=tokens.SECRET)
    with listening(cloud(*_collections(pictures)).app()) as url:
        async with httpx.AsyncClient(
            base_url=f"{url}/api/v1",
            headers={"authorization": f"Bearer {tokens.minted(exp=tomorrow)}"},
            params={"entity_type": "IMAGES"},
        ) as client:
            yield await _explore(client, pictures, lambda: ExploreClient.for_server(url, credentials))


@asynccontextmanager
async def old_on_premises(pictures: Pictures, _cache: Path) -> AsyncIterator[Explore]:
    """The stand-in for the old on-premises build."""
    with listening(on_premises(*_collections(pictures)).app()) as url:
        async with httpx.AsyncClient(base_url=f"{url}/api/v1") as client:
            yield await _explore(client, pictures, lambda: ExploreClient.for_server(url))


def _engine(pictures: Pictures, cache: Path) -> Engine:
    datasets = [FolderDataset("mixed", (pictures.mixed,)), FolderDataset("crowd", (pictures.crowd,))]
    return Engine(datasets, EngineSettings(cache_dir=cache))


def _collections(pictures: Pictures) -> list[Collection]:
    return [known_sets.mixed(pictures.truth), known_sets.crowd(CROWD_COPIES, CROWD_SINGLES)]


async def _explore(client: httpx.AsyncClient, pictures: Pictures, connect: Callable[[], ExploreClient]) -> Explore:
    listed = (await client.get("/datasets")).json()
    ids = {dataset["display_name"]: dataset["id"] for dataset in listed}
    return Explore(client, ids["mixed"], ids["crowd"], pictures, connect)


ENGINES: tuple[Backend, ...] = (engine_over_asgi, engine_over_http)
STAND_INS: tuple[Backend, ...] = (documented_cloud, old_on_premises)


def on(*backends: Backend) -> pytest.MarkDecorator:
    """Marks the tests of a module to run against each of the backends."""
    return pytest.mark.parametrize(
        "explore", backends, indirect=True, ids=lambda backend: backend.__name__, scope="session"
    )
