"""A real HTTP server on loopback around an ASGI application, started and stopped by condition."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
def served(app: Any) -> Iterator[str]:
    """Serve `app` on a free port of 127.0.0.1 and yield its base URL, without a path."""
    server = _AnnouncedServer(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run, name="loopback server")
    thread.start()
    try:
        server.settled.wait()
        assert server.started, "the loopback server did not start"
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
