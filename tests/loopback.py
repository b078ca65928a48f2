"""A real HTTP server on loopback around an ASGI application, started and stopped by condition."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn


class _AnnouncedServer(uvicorn.Server):
    """Sets an event once it listens, or once it has failed to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()


@contextmanager
def served(
    app: Any, *, log_level: str = "warning", certificate: Path | None = None, dates: bool = True
) -> Iterator[str]:
    """Serve `app` on a free port of 127.0.0.1 and yield its base URL, without a path.

    It is https with a `certificate` (a PEM file with its key). Without `dates` the app sends its own Date header.
    Answers that are still under way when it stops, such as one that stalls on purpose, are cut off after a second.
    """
    server = _AnnouncedServer(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_level=log_level,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate,
            date_header=dates,
        )
    )
    thread = threading.Thread(target=server.run, name="loopback server")
    thread.start()
    try:
        server.settled.wait()
        assert server.started, "the loopback server did not start"
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"{'http' if certificate is None else 'https'}://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
