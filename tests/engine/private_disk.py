"""Programs that run with a small disk of their own, which nobody else sees and which goes when they end."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

_WAYS = (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount"))
_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


@cache
def _way() -> tuple[str, ...] | None:
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return None
    for way in _WAYS:
        if (
            subprocess.run([*way, "sh", "-c", "mount -t tmpfs tmpfs /tmp"], capture_output=True, check=False).returncode
            == 0
        ):
            return way
    return None


def run_with_disk(mount_point: Path, size: str, program: str, *arguments: str) -> list[str]:
    """Run a Python program with an empty disk of `size` at `mount_point`; return the lines that it prints."""
    way = _way()
    if way is None:
        pytest.skip("this machine gives a test no disk of its own (unshare and mount, Linux)")
    command = [*way, "sh", "-c", _MOUNT, "sh", size, str(mount_point), sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()
