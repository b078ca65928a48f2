"""A program in the manner of the vendor's own example, run as it is against `lookalike api` and against the cloud."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.conformance import known_sets
from tests.e2e.api_process import api_process
from tests.explore_servers import cloud, listening, tokens
from tests.pictures import save_set

PROGRAM = Path(__file__).with_name("duplicate_retrieval.py")


def run(base_url: str, dataset_id: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), base_url, dataset_id],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_prints_the_same_clusters_from_a_folder_and_from_the_cloud(tmp_path: Path) -> None:
    truth = save_set(tmp_path / "mixed")
    with api_process([tmp_path / "mixed"], tmp_path / "cache") as (url, _):
        with urlopen(f"{url}/api/v1/datasets") as answer:
            (dataset,) = json.load(answer)
        from_folder = run(url, dataset["id"])
    mixed = known_sets.mixed(truth)
    with listening(cloud(mixed).app()) as url:
        from_cloud = run(url, mixed.id, VISUAL_LAYER_TOKEN=tokens.minted())
    largest_first = sorted(truth.clusters, key=len, reverse=True)
    expected = [
        line
        for number, cluster in enumerate(largest_first, start=1)
        for line in (
            f"Cluster {number}: {len(cluster)} images",
            *(f"  {name}" for name in sorted(path.rpartition("/")[2] for path in cluster)),
        )
    ]
    assert from_folder.stdout.splitlines() == expected, from_folder.stderr
    assert from_cloud.stdout.splitlines() == expected, from_cloud.stderr


@pytest.mark.parametrize("token", ["none", tokens.minted(exp=1)], ids=["no token", "an expired token"])
def test_the_program_stops_at_a_cloud_that_does_not_let_it_in(token: str) -> None:
    with listening(cloud().app()) as url:
        stopped = run(url, "00000000-0000-4000-8000-000000000000", VISUAL_LAYER_TOKEN=token)
    assert stopped.returncode != 0
    assert "401 Client Error" in stopped.stderr
