"""Serve MCP over stdin and stdout, more forgivingly than the SDK's own loop.

Three differences, each for hosts that exist:

- A client may probe with ``server/discover`` and, if Python started too slowly for it, go on with ``initialize``. The
  SDK lets the probe decide the protocol era for good and refuses the handshake. Here probes are answered on the side,
  and the first request that is not one decides.
- Ctrl-C ends the process. In the SDK the thread that reads stdin keeps it alive until the host closes the pipe.
- SIGTERM runs the clean-up (a running index is stopped between two batches) before the process ends.
"""

import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import anyio.abc
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.server.runner import serve_dual_era_loop
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCRequest

Frame = SessionMessage | Exception

logger = logging.getLogger("lookalike.server")

GRACE_SECONDS: Final = 5.0
"""How long clean-up may take after a signal before the process ends all the same."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_stdio(server: MCPServer[Any]) -> None:
    """Serve one client over stdin and stdout until stdin closes, nobody reads stdout, or a signal arrives."""
    try:
        anyio.run(_serve, server)
    except* BrokenPipeError:
        logger.info("the host hung up before its last answer")


async def _serve(server: MCPServer[Any]) -> None:
    lowlevel: Server[Any] = server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] — the SDK has no public way to serve given streams
    received: int | None = None

    def leave_if_signalled() -> None:
        if received is not None:
            sys.stderr.flush()
            os._exit(128 + received)

    try:
        async with stdio_server() as (reading, writing):
            with anyio.CancelScope() as serving:
                async with anyio.create_task_group() as tasks:

                    def stop(number: int) -> None:
                        nonlocal received
                        received = number
                        serving.cancel()

                    async with _signals_handled(tasks, stop), lowlevel.lifespan(lowlevel) as state:
                        await _serve_frames(lowlevel, state, reading, writing)
                    tasks.cancel_scope.cancel()
            # The reader thread sits in read(2) and cannot be woken: leaving the normal way would wait for the host.
            leave_if_signalled()
    finally:
        # The SDK's reader breaks if a message was on its way as the signal came. Nobody is left to take it.
        leave_if_signalled()


@asynccontextmanager
async def _signals_handled(tasks: anyio.abc.TaskGroup, stop: Callable[[int], None]) -> AsyncGenerator[None]:
    """Call ``stop`` at the first SIGINT or SIGTERM; end the process outright if it is not done in time."""
    if sys.platform == "win32":
        yield  # asyncio has no signal handlers there; Ctrl-C keeps Python's own
        return

    async def watch() -> None:
        with anyio.open_signal_receiver(*_SIGNALS) as signals:
            async for number in signals:
                _exit_after_grace(number)
                stop(int(number))
                return

    tasks.start_soon(watch)
    yield


def _exit_after_grace(number: int) -> None:
    """Even if clean-up hangs, the host gets its process back."""
    import threading  # noqa: PLC0415 — only on the way out

    timer = threading.Timer(GRACE_SECONDS, os._exit, args=(128 + number,))
    timer.daemon = True
    timer.start()


async def _serve_frames(server: Server[Any], state: Any, reading: Any, writing: Any) -> None:
    """Answer leading ``server/discover`` probes on the side, then serve in the era of the first other request."""
    forwarded, relayed = anyio.create_memory_object_stream[Frame](0)
    async with anyio.create_task_group() as tasks, reading, writing:
        async for frame in reading:
            if _is_probe(frame):
                await _answer_probe(server, state, frame, writing)
                continue
            tasks.start_soon(_relay, frame, reading, forwarded)
            await serve_dual_era_loop(
                server,
                relayed,
                writing,
                lifespan_state=state,
                init_options=server.create_initialization_options(),
            )
            tasks.cancel_scope.cancel()
            return
        forwarded.close()
        relayed.close()


def _is_probe(frame: Frame) -> bool:
    return (
        isinstance(frame, SessionMessage)
        and isinstance(frame.message, JSONRPCRequest)
        and frame.message.method == "server/discover"
    )


async def _answer_probe(server: Server[Any], state: Any, probe: Frame, writing: Any) -> None:
    """Run one throw-away connection that carries the probe and its answer."""
    questions, asked = anyio.create_memory_object_stream[Frame](1)
    answered, answers = anyio.create_memory_object_stream[SessionMessage](1)
    async with anyio.create_task_group() as tasks, questions, answers:

        async def serve() -> None:
            await serve_dual_era_loop(server, asked, answered, lifespan_state=state)

        tasks.start_soon(serve)
        await questions.send(probe)
        await writing.send(await answers.receive())
        tasks.cancel_scope.cancel()


async def _relay(
    first: Frame, reading: MemoryObjectReceiveStream[Frame], forwarded: MemoryObjectSendStream[Frame]
) -> None:
    """Hand on the frame that was already read, then all that follow."""
    async with forwarded:
        await forwarded.send(first)
        async for frame in reading:
            await forwarded.send(frame)
