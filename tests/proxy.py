"""An HTTP proxy on loopback that brings every name to one port of this machine, and remembers what it was asked for."""

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """`url` is for the environment; `asked` are the request lines; `refuses`: it lets nobody through."""

    target: int
    refuses: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def serve(self, caller: socket.socket) -> None:
        """One connection: a tunnel (CONNECT), or a request with a whole URL."""
        head = bytearray()
        while b"\r\n\r\n" not in head:
            chunk = caller.recv(65536)
            if not chunk:
                return
            head += chunk
        line = head.partition(b"\r\n")[0].decode()
        self.asked.append(line)
        if self.refuses:
            caller.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            if line.startswith("CONNECT "):
                caller.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(_to_the_origin(bytes(head)))
            _relay(caller, server)


def _to_the_origin(head: bytes) -> bytes:
    """The request as a proxy passes it on: its line names the path alone."""
    line, _, rest = head.partition(b"\r\n")
    method, address, version = line.split(b" ")
    path = b"/" + address.split(b"/", 3)[3]
    return b" ".join([method, path, version]) + b"\r\n" + rest


def _relay(one: socket.socket, other: socket.socket) -> None:
    while True:
        readable, _, _ = select.select([one, other], [], [])
        for end in readable:
            chunk = end.recv(65536)
            if not chunk:
                return
            (other if end is one else one).sendall(chunk)


@contextmanager
def proxying(target: int, *, refuses: bool = False) -> Iterator[Proxy]:
    """A proxy to port `target`."""
    proxy = Proxy(target, refuses)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            proxy.serve(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, name="loopback proxy")
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
