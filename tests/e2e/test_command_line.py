"""The commands as a person types them, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api_process import api_process
from tests.explore_servers import Server, cloud, copies, generated, listening, single, tokens
from tests.pictures import save_set, tree_digest


def lookalike(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lookalike_server", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_set(tmp_path / "pictures")
    return tmp_path / "pictures"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("command", "key"), [("duplicates", "clusters"), ("unique", "images"), ("summary", "thresholds")]
)
def test_a_command_prints_the_answer_as_text_or_as_json(folder: Path, cache: Path, command: str, key: str) -> None:
    before = tree_digest(folder)
    text = lookalike(command, str(folder), "--cache-dir", str(cache))
    structured = lookalike(command, str(folder), "--cache-dir", str(cache), "--json")
    assert (text.returncode, structured.returncode) == (0, 0), text.stderr + structured.stderr
    facts: dict[str, Any] = json.loads(structured.stdout)
    assert facts[key]
    assert str(facts["totals"]["images"]) in text.stdout
    assert tree_digest(folder) == before


def test_index_says_what_it_found_and_what_it_skipped(folder: Path, cache: Path) -> None:
    done = lookalike("index", str(folder), "--cache-dir", str(cache))
    assert done.returncode == 0, done.stderr
    assert "pictures: 22 images" in done.stdout
    assert "1 not an image" in done.stdout


def test_index_is_about_folders_even_where_a_server_is_preset(folder: Path, cache: Path) -> None:
    done = lookalike("index", str(folder), "--cache-dir", str(cache), LOOKALIKE_BASE_URL="https://explore.example")
    assert done.returncode == 0, done.stderr
    assert "pictures: 22 images" in done.stdout


def test_api_serves_the_explore_api_on_loopback(folder: Path, cache: Path) -> None:
    with api_process([folder], cache) as (address, (line,)):
        with urllib.request.urlopen(f"{address}/api/v1/datasets") as answer:
            (dataset,) = json.load(answer)
        assert dataset["display_name"] == "pictures"
        assert dataset["id"] in line


def test_help_names_every_command() -> None:
    shown = lookalike("--help").stdout
    for command in ("serve", "index", "duplicates", "unique", "summary", "check", "api"):
        assert re.search(rf"^  {command} ", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["duplicates", "no-such-folder"], "no-such-folder"),
        (["serve"], "LOOKALIKE_BASE_URL"),
        (["serve", "a=b=c"], "b=c"),
        (["serve", "=somewhere"], "name"),
    ],
)
def test_a_mistake_is_answered_in_one_line_and_with_exit_code_one(arguments: list[str], said: str) -> None:
    done = lookalike(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_variable_is_refused_with_the_nearest_one(folder: Path) -> None:
    done = lookalike("duplicates", str(folder), LOOKALIKE_BASEURL="https://example.org")
    assert done.returncode == 1
    assert "LOOKALIKE_BASEURL" in done.stderr
    assert "LOOKALIKE_BASE_URL" in done.stderr


def test_a_secret_is_never_printed_even_where_settings_are_wrong() -> None:
    done = lookalike("serve", LOOKALIKE_BASE_URL="https://example.org", LOOKALIKE_API_SECRET="hunter2-hunter2")
    assert done.returncode == 1
    assert "LOOKALIKE_API_KEY" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_a_question_about_a_folder_asks_no_server_that_is_preset(folder: Path, cache: Path) -> None:
    server = Server()
    with listening(server.app()) as url:
        done = lookalike("duplicates", str(folder), "--cache-dir", str(cache), LOOKALIKE_BASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert "22 images" in done.stdout
    assert server.requests == []


def test_a_question_that_names_a_dataset_looks_at_all_sources(folder: Path, cache: Path) -> None:
    server = Server([copies("a")], [single("s")])
    with listening(server.app()) as url:
        options = (str(folder), "--dataset", "pets", "--cache-dir", str(cache))
        done = lookalike("duplicates", *options, LOOKALIKE_BASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pets (127.0.0.1:")


def test_a_question_without_arguments_is_about_the_sources_of_the_file(folder: Path, cache: Path) -> None:
    (folder.parent / "config.toml").write_text('\ufeffcache_dir = "cache"\n[sources.home]\nfolders = ["pictures"]\n')
    done = lookalike("duplicates", LOOKALIKE_CONFIG=str(folder.parent / "config.toml"))
    assert done.returncode == 0, done.stderr
    assert "22 images" in done.stdout
    assert cache.is_dir()


def test_a_misspelt_key_of_the_file_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[sources.home]\nfolder = ["."]\n')
    done = lookalike("serve", "--config", str(tmp_path / "config.toml"))
    assert done.returncode == 1
    assert 'unknown key "folder"; the nearest known one is folders' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_in_a_file_reaches_no_log_line(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(tokens.SECRET)
    with listening(cloud(generated("cats", 1, singles=1)).app()) as url:
        done = lookalike(
            "duplicates",
            "--log-level=debug",
            LOOKALIKE_BASE_URL=url,
            LOOKALIKE_API_KEY=tokens.KEY,
            LOOKALIKE_API_SECRET_FILE=str(tmp_path / "secret"),
        )
    assert done.returncode == 0, done.stderr
    assert tokens.SECRET not in done.stdout + done.stderr
    assert tokens.KEY not in done.stdout + done.stderr


def test_a_flag_wins_over_the_environment(folder: Path, tmp_path: Path, cache: Path) -> None:
    done = lookalike("index", str(folder), "--cache-dir", str(cache), LOOKALIKE_CACHE_DIR=str(tmp_path / "elsewhere"))
    assert done.returncode == 0, done.stderr
    assert cache.is_dir()
    assert not (tmp_path / "elsewhere").exists()


def test_two_folders_of_one_name_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a" / "set").mkdir(parents=True)
    (tmp_path / "b" / "set").mkdir(parents=True)
    done = lookalike("serve", str(tmp_path / "a" / "set"), str(tmp_path / "b" / "set"))
    assert done.returncode == 1
    assert "NAME=" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["serve", "--base-url", "http://explore.example"], {}, "http"),
        (["serve", "--base-url", "ftp://explore.example"], {}, "no http or https"),
        (["serve", "--base-url", "https://explore.example"], {"LOOKALIKE_TOKEN": "a b"}, "cannot be sent"),
        (["serve", "~nobody-of-that-name/pictures"], {}, "is not a folder"),
        (["serve", "a" * 5000], {}, "is not a folder"),
        (["serve", "."], {"LOOKALIKE_CACHE_DIR": "~nobody-of-that-name/c"}, "a user this system does not have"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_served(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    done = lookalike(*arguments, **environment)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cache_folder_below_home_is_found_without_a_shell(folder: Path, tmp_path: Path) -> None:
    done = lookalike("index", str(folder), HOME=str(tmp_path), LOOKALIKE_CACHE_DIR="~/kept")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kept").is_dir()


def test_a_terminal_that_cannot_show_a_sign_still_shows_the_answer(folder: Path, cache: Path) -> None:
    done = lookalike("duplicates", str(folder), "--cache-dir", str(cache), PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert "22 images" in done.stdout
