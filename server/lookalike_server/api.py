"""The embedded engine as an HTTP service on loopback."""

import socket
from functools import partial

import click
import uvicorn

from lookalike_engine import Engine
from lookalike_server.terminal import index_all
from lookalike_tools import UntrustedText


async def serve_engine(engine: Engine, listening: socket.socket) -> None:
    """Index every dataset of ``engine``, then answer the Explore API on ``listening`` until interrupted."""
    try:
        datasets = await index_all(engine, partial(click.echo, err=True), outdated_too=True)
        # From here on connections wait for the server instead of being refused, so the line below is already true.
        listening.listen()
        host, port = listening.getsockname()
        click.echo(f"Explore API: http://{host}:{port}/api/v1  (Ctrl-C ends it)")
        for dataset in datasets:
            click.echo(f"dataset {dataset.id}  {UntrustedText(dataset.display_name or '')}")
        # The access log would show queries; log_config=None leaves logging to our own redacting handler.
        config = uvicorn.Config(
            engine.app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5
        )
        await uvicorn.Server(config).serve(sockets=[listening])
    finally:
        engine.close()
