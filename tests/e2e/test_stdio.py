"""The server as hosts start it: a child process on stdin and stdout."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.pictures import save_many, save_set
from tests.server.conversation import facts_of

ENVELOPE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "0"},
}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lookalike_server", *arguments]


class Wire:
    """The raw line protocol, for what the SDK's client would never send."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._next = 0

    def send(self, method: str, params: dict[str, Any] | None = None, *, reply: bool = True) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params or {}}
        if reply:
            self._next += 1
            message["id"] = self._next
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        while reply:
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
            if answer.get("id") == self._next:
                return answer
        return {}

    def handshake(self) -> dict[str, Any]:
        answer = self.send("initialize", INITIALIZE)
        self.send("notifications/initialized", reply=False)
        return answer


@contextmanager
def running(folder: Path, cache: Path) -> Iterator[Wire]:
    process = subprocess.Popen(
        command("serve", "--cache-dir", str(cache), str(folder)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Wire(process)
        finally:
            process.kill()


def save_enough_for_a_process(folder: Path) -> None:
    save_many(folder, 130)


def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.mark.anyio
async def test_a_child_process_answers_the_three_tools(tmp_path: Path) -> None:
    truth = save_set(tmp_path / "pictures")
    server = StdioServerParameters(
        command=sys.executable,
        args=command("serve", str(tmp_path / "pictures"))[1:],
        env={**os.environ, "LOOKALIKE_CACHE_DIR": str(tmp_path / "cache")},
    )
    async with Client(server) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        duplicates = facts_of(await client.call_tool("find_duplicates", {}))
        unique = facts_of(await client.call_tool("find_unique", {}))
        summary = facts_of(await client.call_tool("summarize_clusters", {}))
    assert tools == ["find_duplicates", "find_unique", "summarize_clusters"]
    assert duplicates["totals"]["clusters"] == len(truth.clusters)
    assert unique["totals"]["images"] == summary["totals"]["images"] == len(truth.images)


def test_a_host_that_probes_first_may_still_shake_hands(tmp_path: Path) -> None:
    with running(empty(tmp_path), tmp_path / "cache") as wire:
        assert "result" in wire.send("server/discover", ENVELOPE)
        assert wire.handshake()["result"]["serverInfo"]["name"] == "lookalike"
        assert len(wire.send("tools/list")["result"]["tools"]) == 3


def test_a_host_that_probes_may_go_on_without_a_handshake(tmp_path: Path) -> None:
    with running(empty(tmp_path), tmp_path / "cache") as wire:
        wire.send("server/discover", ENVELOPE)
        assert len(wire.send("tools/list", ENVELOPE)["result"]["tools"]) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_while_messages_are_on_their_way(tmp_path: Path, number: signal.Signals) -> None:
    with running(empty(tmp_path), tmp_path / "cache") as wire:
        wire.handshake()
        for _ in range(200):
            wire.send("notifications/initialized", reply=False)
        wire.process.send_signal(number)
        assert wire.process.wait(timeout=60) == 128 + number


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_while_its_stdin_is_still_open(tmp_path: Path, number: signal.Signals) -> None:
    with running(empty(tmp_path), tmp_path / "cache") as wire:
        wire.handshake()
        wire.process.send_signal(number)
        assert wire.process.wait(timeout=60) == 128 + number


def test_the_end_of_stdin_ends_the_process(tmp_path: Path) -> None:
    with running(empty(tmp_path), tmp_path / "cache") as wire:
        wire.handshake()
        assert wire.process.stdin is not None
        wire.process.stdin.close()
        assert wire.process.wait(timeout=60) == 0


def test_a_host_that_vanishes_leaves_no_traceback(tmp_path: Path) -> None:
    save_set(tmp_path / "pictures")
    with running(tmp_path / "pictures", tmp_path / "cache") as wire:
        wire.handshake()
        assert wire.process.stdin is not None
        assert wire.process.stdout is not None
        assert wire.process.stderr is not None
        wire.process.stdout.close()
        call = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {}}
        wire.process.stdin.write(json.dumps(call) + "\n")
        wire.process.stdin.close()
        assert wire.process.wait(timeout=60) == 0
        assert wire.process.stderr.read() == ""


@pytest.mark.parametrize("save", [save_set, save_enough_for_a_process], ids=["in the server", "in a process"])
def test_nothing_but_protocol_is_written_to_stdout(tmp_path: Path, save: Callable[[Path], object]) -> None:
    save(tmp_path / "pictures")
    with running(tmp_path / "pictures", tmp_path / "cache") as wire:
        wire.handshake()
        answer = wire.send("tools/call", {"name": "find_duplicates", "arguments": {}})
        assert answer["result"]["structuredContent"]["status"] == "ready"
