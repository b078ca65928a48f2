"""A stand-in Explore server of many full pages, in a process of its own: ``python -m benchmarks.many_pages``.

It prints its address, answers each request after a latency, and says under ``/requests`` how many there were.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PAGE = 100
IMAGES = 12
PREVIEWS = 9
DATASET = "3f2a91c0-0000-4000-8000-000000000001"


@contextmanager
def many_pages(pages: int, latency: float) -> Generator[str]:
    """The address of a server with `pages` pages, the last one not quite full, and `latency` in seconds."""
    command = [sys.executable, "-m", "benchmarks.many_pages", "--pages", str(pages), "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def requests_so_far(url: str) -> int:
    """How many requests the server at `url` has had, this kind aside."""
    with urlopen(f"{url}/requests") as answer:  # noqa: S310  (our own server on loopback)
        return int(answer.read())


def _preview(cluster: int, number: int) -> dict[str, Any]:
    media = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{cluster}-{number}"))
    name = f"image-{cluster:06}-{number}.jpg"
    return {
        "type": "IMAGE",
        "media_id": media,
        "media_uri": f"https://pictures.example/bucket/{media}/{name}",
        "media_thumb_uri": f"https://pictures.example/thumbs/{media}.webp",
        "file_name": name,
        "width": 1024,
        "height": 768,
    }


def _cluster(number: int) -> dict[str, Any]:
    return {
        "cluster_id": f"{number:08x}-0000-4000-8000-000000000000",
        "type": "IMAGES",
        "n_images": IMAGES,
        "similarity_threshold": "0",
        "relevance_score": None,
        "previews": [_preview(number, preview) for preview in range(PREVIEWS)],
        "labels": None,
        "user_tags": None,
    }


def _page(numbers: range) -> bytes:
    page = {"clusters": [_cluster(number) for number in numbers], "metadata": {"applied_filters": ["duplicates"]}}
    return json.dumps(page).encode()


def _app(pages: int, latency: float) -> Starlette:
    clusters = range(pages * PAGE - 1)
    bodies = [_page(clusters[number * PAGE : (number + 1) * PAGE]) for number in range(pages)]
    dataset = {"id": DATASET, "display_name": "many", "status_new": "READY", "n_images": len(clusters) * IMAGES}
    counts = {"cluster_count": len(clusters), "page_size": PAGE}
    count = 0

    async def answered(body: bytes) -> Response:
        nonlocal count
        count += 1
        await asyncio.sleep(latency)
        return Response(body, media_type="application/json")

    async def page(request: Request) -> Response:
        number = int(request.query_params["page_number"])
        return await answered(bodies[number] if number < pages else _page(range(0)))

    async def described(_request: Request) -> Response:
        return await answered(json.dumps(dataset).encode())

    async def counted(_request: Request) -> Response:
        return await answered(json.dumps(counts).encode())

    async def so_far(_request: Request) -> Response:
        return Response(str(count))

    explore = f"/api/v1/explore/{DATASET}"
    return Starlette(
        routes=[
            Route(f"/api/v1/dataset/{DATASET}", described),
            Route(explore, page),
            Route(f"{explore}/exploration_metadata", counted),
            Route("/requests", so_far),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=250)
    parser.add_argument("--latency", type=float, default=0.05)
    asked = parser.parse_args(arguments)
    app = _app(asked.pages, asked.latency)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off")).run([listener])


if __name__ == "__main__":
    main()
