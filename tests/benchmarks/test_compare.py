"""One comparison from a made set to its table, with programs that are at hand without installing any peer."""

import fcntl
import sys
from pathlib import Path

import pytest

from benchmarks.engine.__main__ import main
from benchmarks.engine.environments import Environment, Environments, NoEnvironmentError
from benchmarks.engine.measure import measured
from tests.pictures import jpeg_bytes, scene


def _photographs(folder: Path) -> Path:
    folder.mkdir()
    for seed in range(8):
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed, (160, 120))))
    return folder


def test_this_engine_gets_a_row_for_each_similarity_and_a_peer_that_may_not_run_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photographs = _photographs(tmp_path / "photographs")
    environments = tmp_path / "environments"
    command = f"{photographs} --images 24 --size 128 --rounds 2 --signals hash --environments {environments}"

    main([*command.split(), "--only", "lookalike", "fastdup"])

    said = capsys.readouterr().out
    assert "24 images in " in said
    (first, second) = (line for line in said.splitlines() if line.startswith("| lookalike hash at"))
    assert first.startswith("| lookalike hash at 0.95 | ")
    assert second.startswith("| lookalike hash at 0.9 | ")
    assert "- lookalike hash (Apache-2.0): lookalike-mcp " in said
    assert "differed between rounds" not in said
    assert "- fastdup (CC BY-NC-ND 4.0): not run: CC BY-NC-ND 4.0 allows non-commercial use only" in said
    assert "| easy: jpeg75 |" in said or "| exact: exact |" in said
    assert not environments.exists()


def test_asking_for_somebody_unknown_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nobody is called that: nosuch"):
        main([str(tmp_path), "--only", "nosuch"])


def test_a_program_that_fails_is_a_reason_and_not_an_error() -> None:
    run = measured((sys.executable, "-c", "raise SystemExit('no model here')"), {}, 60)

    assert run.failure == "ended with 1: no model here"


def test_a_program_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    held = tmp_path / "held"
    child = f"import fcntl, time; it = open({str(held)!r}, 'w'); fcntl.flock(it, fcntl.LOCK_EX); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    run = measured((sys.executable, "-c", parent), {}, 5)

    assert run.failure == "no answer after 5 s"
    with held.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given only once the child is gone


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux's /proc")
def test_the_memory_of_children_counts() -> None:
    child = "import time; held = bytes(range(256)) * 400_000; time.sleep(1.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"

    run = measured((sys.executable, "-c", parent), {}, 60)

    assert run.failure is None
    assert run.peak_bytes is not None
    assert run.peak_bytes > 100_000_000


def test_a_peer_for_which_no_python_fits_says_which_it_needs(tmp_path: Path) -> None:
    impossible = Environment("nobody", ("nothing",), oldest=(9, 0), newest=(9, 9))

    with pytest.raises(NoEnvironmentError, match=r"needs Python 9\.0 or later"):
        Environments(tmp_path).python_of(impossible)
