"""``lookalike check`` as a person runs it: what would work, what would not, and how to mend it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.explore_servers import (
    DATASET_ID,
    Server,
    cloud,
    copies,
    dataset,
    generated,
    listening,
    on_premises,
    single,
    tokens,
)
from tests.pictures import jpeg_bytes, scene

NOBODY = "http://127.0.0.1:9"


def check(at: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lookalike_server", "check", *arguments],
        env={**os.environ, "HOME": str(at / "home"), "LOOKALIKE_CACHE_DIR": str(at / "cache"), **environment},
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
    )


def written(at: Path, text: str, mode: int = 0o600) -> str:
    file = at / "config.toml"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(2):
        (folder / f"{seed}.jpg").write_bytes(jpeg_bytes(scene(seed)))
    return folder


def test_where_all_is_well_every_dataset_is_listed_and_nothing_would_fail(tmp_path: Path, photos: Path) -> None:
    lab = on_premises(generated("dogs", 2, singles=4), without=("ignores_filters",))
    (tmp_path / "secret").write_text(tokens.SECRET)
    (tmp_path / "secret").chmod(0o600)
    with listening(cloud(generated("cats", 3, singles=2)).app()) as cloud_url, listening(lab.app()) as lab_url:
        file = written(
            tmp_path,
            f'[sources.cloud]\nbase_url = "{cloud_url}"\napi_key = "{tokens.KEY}"\napi_secret_file = "secret"\n'
            f'[sources.lab]\nbase_url = "{lab_url}"\n',
        )
        done = check(tmp_path, str(photos), "--config", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("would answer find_duplicates, find_unique, summarize_clusters") == 2
    assert f'"{photos}": readable, 2 entries' in done.stdout
    assert 'dataset "cats" (' in done.stdout
    assert "READY, 11 images" in done.stdout
    assert "the credential is accepted; 1 dataset\n" in done.stdout
    assert "Nothing that was tried would fail." in done.stdout
    assert "WARNING " not in done.stdout
    assert tokens.SECRET not in done.stdout + done.stderr
    assert tokens.KEY not in done.stdout + done.stderr


def test_everything_broken_at_once_is_all_named(tmp_path: Path, photos: Path) -> None:
    failed = dataset("failed-1", "failed", status_new="ERROR", fatal_error_msg="bucket\u202e gone")
    draft = dataset("draft-1", "draft", status_new="DRAFT")
    old = Server([copies("a")], [single("s")], honours=frozenset(), others=[failed, draft])
    with listening(old.app()) as old_url, listening(cloud(generated("cats", 1)).app()) as cloud_url:
        file = written(
            tmp_path,
            f"""
            datset = "pets"
            [sources.old]
            base_url = "{old_url}"
            [sources.cloud]
            base_url = "{cloud_url}"
            api_key = "{tokens.KEY}"
            api_secret = "not-its-secret"
            [sources.nobody]
            base_url = "{NOBODY}"
            timeout = 1
            [sources.keyless]
            base_url = "https://cloud.example"
            api_key_file = "no-such-file"
            api_secret_file = "no-such-file"
            [sources.drive]
            folders = ["not-mounted"]
            [sources.odd]
            """,
        )
        done = check(tmp_path, str(photos), "--config", file, LOOKALIKE_TIMEOUT="", LOOKALIKE_LOGLEVEL="DEBUG")
    said = done.stdout
    assert done.returncode == 1, said + done.stderr
    for part in (
        'unknown key "datset"; the nearest known one is dataset',
        "the nearest known one is LOOKALIKE_LOG_LEVEL",
        "[sources.odd]: it has neither base_url nor folders",
        "FAILS  find_duplicates, summarize_clusters: ",
        "FAILS  find_unique: ",
        r'failed: "bucket\\u202e gone". Correct this on its server',
        "is a draft that was never indexed. Index it on its server first",
        "refused the credential (401)",
        "127.0.0.1:9 ",
        "api_key_file of [sources.keyless]",
        "'not-mounted' is not a folder",
        f'"{photos}": readable',
    ):
        assert part in said, part
    assert "Traceback" not in done.stderr
    assert "not-its-secret" not in said + done.stderr


def test_each_setting_says_where_it_comes_from(tmp_path: Path, photos: Path) -> None:
    file = written(tmp_path, 'dataset = "photos"\ntimeout = 7\nlog_level = "ERROR"\n')
    done = check(tmp_path, str(photos), "--config", file, "--timeout", "3", LOOKALIKE_LOG_LEVEL="info")
    settings = done.stdout.partition("\nSource")[0].splitlines()[1:]
    lines = {line.split()[0]: line for line in settings if line}
    assert "3 s  (--timeout)" in lines["timeout"]
    assert '"INFO"  (LOOKALIKE_LOG_LEVEL)' in lines["log_level"]
    assert '"photos"  (configuration file)' in lines["dataset"]
    assert "false  (default)" in lines["allow_http"]


def test_it_indexes_nothing_and_makes_no_cache_folder(tmp_path: Path, photos: Path) -> None:
    done = check(tmp_path, str(photos))
    assert done.returncode == 0, done.stdout
    assert "not indexed yet" in done.stdout
    assert not (tmp_path / "cache").exists()


def test_a_cache_folder_that_cannot_be_one_is_a_failure(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    done = check(tmp_path, str(photos))
    assert done.returncode == 1
    assert "Indexes cannot be kept in" in done.stdout
    assert "--cache-dir" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="elsewhere rights are no bits")
def test_secrets_that_other_users_can_read_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(tokens.SECRET)
    (tmp_path / "secret").chmod(0o644)
    with listening(cloud(generated("cats", 1, singles=1)).app()) as url:
        file = written(
            tmp_path,
            f'[sources.cloud]\nbase_url = "{url}"\napi_key = "{tokens.KEY}"\napi_secret_file = "secret"\n',
            mode=0o644,
        )
        done = check(tmp_path, "--config", file)
    assert done.returncode == 0, done.stdout
    assert f'The rights of "{tmp_path / "secret"}" let other users read it' in done.stdout
    assert f'The rights of "{file}" let other users read it, and it holds a secret' in done.stdout
    assert "2 warnings" in done.stdout


def test_a_base_url_with_a_password_in_it_is_refused_and_not_shown(tmp_path: Path) -> None:
    done = check(tmp_path, LOOKALIKE_BASE_URL="https://me:hunter2@cloud.example/x?key=hunter3")
    assert done.returncode == 1
    assert "https://cloud.example (the rest is hidden)" in done.stdout
    assert "hunter" not in done.stdout + done.stderr


@pytest.mark.parametrize("address", ["localhost:8080", "app.visual-layer.com", "hunter2"])
def test_what_is_no_base_url_is_not_shown_and_the_only_failure(tmp_path: Path, address: str) -> None:
    done = check(tmp_path, "--base-url", address)
    assert done.returncode == 1
    assert "no http or https address, not shown" in done.stdout
    assert address not in done.stdout
    assert "1 thing would fail." in done.stdout


def test_a_default_file_that_is_no_toml_is_not_said_to_be_missing(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".config" / "lookalike"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("x = [")
    done = check(tmp_path, XDG_CONFIG_HOME=str(folder.parent))
    assert "is not TOML" in done.stdout
    assert "not there" not in done.stdout


def test_a_preset_dataset_that_its_server_does_not_list_is_tried_by_its_id(tmp_path: Path) -> None:
    unlisted = Server(
        [copies("a")], [single("s")], mend=lambda path, answer: [] if path.endswith("/datasets") else answer
    )
    with listening(unlisted.app()) as url:
        done = check(tmp_path, "--base-url", url, LOOKALIKE_DATASET=DATASET_ID)
    assert done.returncode == 0, done.stdout
    assert "would answer find_duplicates" in done.stdout


@pytest.mark.parametrize("name", ["photos", "local/photos", "LOCAL/Photos"])
def test_a_preset_dataset_may_be_named_with_its_source(tmp_path: Path, photos: Path, name: str) -> None:
    done = check(tmp_path, str(photos), LOOKALIKE_DATASET=name)
    assert done.returncode == 0, done.stdout


def test_a_preset_dataset_that_no_source_has_would_fail(tmp_path: Path, photos: Path) -> None:
    done = check(tmp_path, str(photos), LOOKALIKE_DATASET="pohtos")
    assert done.returncode == 1
    assert 'The dataset "pohtos", for questions that name none, is in no source that could be asked' in done.stdout
    assert 'Choose one of: "photos"' in done.stdout


def test_with_nothing_to_look_at_it_says_how_to_name_something(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 1
    assert "There is no source" in done.stdout
    assert "LOOKALIKE_BASE_URL" in done.stdout


def test_a_value_that_cannot_be_used_hides_no_source(tmp_path: Path, photos: Path) -> None:
    done = check(tmp_path, str(photos), LOOKALIKE_TIMEOUT="soon", LOOKALIKE_CONFIG="nowhere.toml")
    assert done.returncode == 1
    assert "LOOKALIKE_TIMEOUT: " in done.stdout
    assert "there is no configuration file" in done.stdout
    assert f'"{photos}": readable' in done.stdout


def test_a_name_from_a_server_cannot_forge_a_line(tmp_path: Path) -> None:
    server = Server([copies("a")], [single("s")], dataset={"display_name": "x\nNothing that was\u202e tried"})
    with listening(server.app()) as url:
        done = check(tmp_path, "--base-url", url)
    assert r'dataset "x\\x0aNothing that was\\u202e tried"' in done.stdout


def test_datasets_beyond_the_most_that_are_tried_are_named(tmp_path: Path) -> None:
    others = [dataset(f"other-{number}", f"other {number}", n_images=1) for number in range(55)]
    with listening(Server([copies("a")], [single("s")], others=others).app()) as url:
        done = check(tmp_path, "--base-url", url)
    assert done.stdout.count("would answer") == 50
    assert done.stdout.count("not tried: only 50 of a source are") == 6
    assert 'dataset "other 54"' in done.stdout


def test_a_folder_of_the_file_that_is_away_would_fail_and_the_others_are_served(tmp_path: Path, photos: Path) -> None:
    file = written(tmp_path, f"[sources.home]\nfolders = ['{photos}', 'away']\n")
    done = check(tmp_path, "--config", file)
    assert done.returncode == 1
    assert "FAILS  'away' is not a folder" in done.stdout
    assert 'dataset "photos" (' in done.stdout
    assert "1 thing would fail." in done.stdout


def test_a_secret_pasted_where_its_file_should_be_named_is_not_shown(tmp_path: Path) -> None:
    done = check(
        tmp_path,
        LOOKALIKE_BASE_URL="https://cloud.example",
        LOOKALIKE_API_KEY="hunter1",
        LOOKALIKE_API_SECRET_FILE="hunter2",
    )
    assert "LOOKALIKE_API_SECRET_FILE: names no file that is there, not shown" in done.stdout
    assert "LOOKALIKE_API_SECRET_FILE: the file cannot be read (No such file" in done.stdout
    assert "hunter" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HTTPS_PROXY": "http://me:hunter2@127.0.0.1:9"}, ", through the proxy of HTTPS_PROXY"),
        ({"ALL_PROXY": "http://me:hunter2@127.0.0.1:9"}, ", through the proxy of ALL_PROXY"),
        ({"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "example"}, ""),
        ({"HTTP_PROXY": "http://127.0.0.1:9"}, ""),
    ],
)
def test_a_proxy_from_the_environment_is_told_of_by_its_variable(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    nothing = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"), "")
    done = check(tmp_path, "--base-url", "https://cloud.example", "--timeout", "1", **nothing | environment)
    assert f"  https://cloud.example, 1 s for a question{said}\n" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
