"""The same answers from an Explore server: one process serves the API, another asks it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api_process import api_process
from tests.pictures import save_set


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    save_set(tmp_path / "pictures")
    (tmp_path / "other").mkdir()
    with api_process([tmp_path / "pictures", tmp_path / "other"], tmp_path / "c") as (address, _):
        yield address


def asked(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lookalike_server", *arguments, "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["duplicates", "unique", "summary"])
def test_a_server_gives_the_answer_that_the_folder_gives(server: str, tmp_path: Path, command: str) -> None:
    local = asked(command, str(tmp_path / "pictures"), "--cache-dir", str(tmp_path / "c"))
    remote = asked(command, LOOKALIKE_BASE_URL=server, LOOKALIKE_DATASET="pictures")
    assert (local.returncode, remote.returncode) == (0, 0), local.stderr + remote.stderr
    here: dict[str, Any] = json.loads(local.stdout)
    there: dict[str, Any] = json.loads(remote.stdout)
    assert there["source"] == server.removeprefix("http://")
    assert there["totals"] == here["totals"]
    assert there.get("clusters") == here.get("clusters")


def test_a_preset_dataset_that_the_server_lacks_is_refused_with_those_it_has(server: str) -> None:
    refused = asked("duplicates", LOOKALIKE_BASE_URL=server, LOOKALIKE_DATASET="pictrues")
    assert refused.returncode == 1
    assert "pictures" in refused.stderr
    assert "other" in refused.stderr


def test_a_server_that_is_not_there_is_an_error_that_says_what_to_check() -> None:
    refused = asked("duplicates", LOOKALIKE_BASE_URL="http://127.0.0.1:9")
    assert refused.returncode == 1
    assert "127.0.0.1:9" in refused.stderr
    assert "Traceback" not in refused.stderr
