"""Reading a server's list of 250 pages: requests, time and memory.

Time and memory are compared with the same code asking for one page at a time, and with keeping every page as it came.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.many_pages import DATASET, many_pages, requests_so_far
from benchmarks.report import heading, table
from lookalike_tools import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import honoured
from lookalike_tools.explore.paging import USUAL, Budget, Reading

PAGES = 250
PAGES_IN_MEMORY = 100
LATENCY = 0.05
ROUNDS = 3
_PATIENCE = 300.0
_WANTED = Filter("duplicates", 0.95, "IMAGES")


async def quiet(_done: float, _total: float | None, _message: str) -> None:
    """Takes progress reports."""


async def read(url: str, budget: Budget) -> Reading:
    """All pages that the budget allows, from the question for the dataset on."""
    async with ExploreClient.for_server(url, deadline=_PATIENCE) as explore:
        found = await honoured(explore, await explore.dataset(DATASET), _WANTED, budget)
        return await found.listing.all(quiet)


async def one_request(url: str) -> float:
    """Seconds for one page, the connection being there: the median of nine."""
    async with ExploreClient.for_server(url) as explore:
        dataset = await explore.dataset(DATASET)
        taken: list[float] = []
        for number in range(9):
            started = time.perf_counter()
            await explore.page(dataset, _WANTED, number)
            taken.append(time.perf_counter() - started)
        return statistics.median(taken)


async def keep_every_page(url: str, pages: int) -> list[object]:
    """What it would cost to keep the pages as they came."""
    async with ExploreClient.for_server(url) as explore:
        dataset = await explore.dataset(DATASET)
        return [await explore.page(dataset, _WANTED, number) for number in range(pages)]


def resident(key: str) -> int:
    """This process's memory in KiB: `VmRSS` now, `VmHWM` at its highest."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1])


async def growth(url: str, *, whole: bool) -> None:
    """Print how many KiB this process grows by reading 100 pages, at its highest and in the end."""
    await one_request(url)
    before = resident("VmRSS")
    kept = await (keep_every_page(url, PAGES_IN_MEMORY) if whole else read(url, Budget(_PATIENCE, PAGES_IN_MEMORY)))
    gc.collect()
    print(json.dumps([resident("VmHWM") - before, resident("VmRSS") - before]))
    del kept


def measured_growth(url: str, flag: str) -> tuple[float, float]:
    """The same, in MiB, of a child process."""
    command = [sys.executable, "-m", "benchmarks.explore", flag, url]
    highest, kept = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return highest / 1024, kept / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--growth", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--growth-whole", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.growth or asked.growth_whole:
        asyncio.run(growth(asked.growth or asked.growth_whole, whole=asked.growth is None))
        return
    heading(f"Reading {PAGES} pages of a server at {LATENCY * 1000:.0f} ms latency", "httpx", "pydantic", "uvicorn")
    ways = {
        f"{USUAL.at_once} at once": Budget(_PATIENCE, PAGES, USUAL.at_once),
        "one at a time": Budget(_PATIENCE, PAGES, 1),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    requests: dict[str, int] = {}
    with many_pages(PAGES, LATENCY) as url:
        single = asyncio.run(one_request(url))
        for _ in range(ROUNDS):
            for name, budget in ways.items():
                before, started = requests_so_far(url), time.perf_counter()
                reading = asyncio.run(read(url, budget))
                times[name].append(time.perf_counter() - started)
                requests[name] = requests_so_far(url) - before
                if not reading.ended or reading.changes or len(reading.clusters) != PAGES * 100 - 1:
                    raise SystemExit(f"{name}: not all clusters were read")
    sequential = statistics.median(times["one at a time"])
    rows = [
        (name, requests[name], f"{statistics.median(taken):.2f}", f"{statistics.median(taken) / sequential:.2f}")
        for name, taken in times.items()
    ]
    alone = PAGES * single
    rows.append((f"{PAGES} × one measured request", PAGES, f"{alone:.2f}", f"{alone / sequential:.2f}"))
    table(("pages", "requests", "median s", "ratio to one at a time"), rows)
    print(f"\n{ROUNDS} rounds, the two in turn. At least {PAGES} requests are needed, one a page.\n")
    with many_pages(PAGES_IN_MEMORY, 0) as url:
        grown = {name: measured_growth(url, flag) for name, flag in _KEEPING.items()}
    table(
        (f"{PAGES_IN_MEMORY} pages in memory", "highest MiB", "kept MiB"),
        [(name, f"{highest:.1f}", f"{kept:.1f}") for name, (highest, kept) in grown.items()],
    )


_KEEPING = {"packed, as they are": "--growth", "every page as it came": "--growth-whole"}


if __name__ == "__main__":
    main()
