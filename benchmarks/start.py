"""From process start to the first ``tools/list`` answer, beside a bare one-tool server on the same SDK.

The two servers are started in turn, so that whatever else the machine does falls on both alike.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from benchmarks.report import heading, table

BARE = """
from mcp.server import MCPServer
server = MCPServer("bare", log_level="WARNING")
@server.tool()
async def echo(text: str) -> str:
    "Say it again."
    return text
server.run()
"""
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "0"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST_TOOLS = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}


def seconds_to_first_list(command: Sequence[str]) -> float:
    """Start ``command``, shake hands, list the tools; the time until the list has arrived."""
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in (INITIALIZE, INITIALIZED, LIST_TOOLS):
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        while True:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{command[0]} ended before it listed its tools")
            if json.loads(line).get("id") == LIST_TOOLS["id"]:
                elapsed = time.perf_counter() - started
                process.stdin.close()
                return elapsed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args(arguments).rounds
    heading("Start-up: process start to the first tools/list answer", "lookalike-mcp", "mcp", "pydantic")
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "bare one-tool server": [sys.executable, "-c", BARE],
            "lookalike serve FOLDER": [sys.executable, "-m", "lookalike_server", "serve", folder],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                times[name].append(seconds_to_first_list(command))
    bare = statistics.median(times["bare one-tool server"])
    table(
        ("server", "median ms", "best ms", "ratio to bare"),
        [
            (
                name,
                f"{statistics.median(taken) * 1000:.0f}",
                f"{min(taken) * 1000:.0f}",
                f"{statistics.median(taken) / bare:.2f}",
            )
            for name, taken in times.items()
        ],
    )
    print(f"\n{rounds} rounds, the two in turn.")


if __name__ == "__main__":
    main()
