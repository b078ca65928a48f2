"""`lookalike api` as a child process."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def api_process(folders: Sequence[Path], cache: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve the folders on a free port; yields the server's address, and the line it printed for each dataset."""
    command = [sys.executable, "-m", "lookalike_server", "api", *map(str, folders)]
    process = subprocess.Popen([*command, "--port", "0", "--cache-dir", str(cache)], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout is not None
            address = re.search(r"(http://127\.0\.0\.1:\d+)/api/v1", process.stdout.readline())
            assert address is not None
            yield address[1], [process.stdout.readline() for _ in folders]
        finally:
            process.kill()
