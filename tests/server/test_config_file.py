"""The configuration file, and what wins where several places say something."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lookalike_server.configuration import Configuration, load_configuration
from lookalike_server.connections import Connections
from lookalike_server.settings import SettingsError
from lookalike_server.settings_shown import settings_lines
from lookalike_server.sources import FolderSource, ServerSource
from lookalike_tools import Credentials

SECRET = "hunter2-hunter2"
LAB = {"LOOKALIKE_BASE_URL": "https://lab.example"}
CLOUD = '[sources.cloud]\nbase_url = "https://cloud.example"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, text: str, folders: tuple[str, ...] = (), **flags: Any) -> Configuration:
    file.write_text(text, encoding="utf-8")
    return load_configuration({"config": file, **flags}, folders)


@dataclass(frozen=True)
class Given:
    """What is said besides the file."""

    folders: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Any] = field(default_factory=dict)

    def load(self, monkeypatch: pytest.MonkeyPatch, file: Path, text: str) -> Configuration:
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)
        return load(file, text, self.folders, **self.flags)


def refusal(file: Path, text: str, folders: tuple[str, ...] = (), **flags: Any) -> str:
    with pytest.raises(SettingsError) as raised:
        load(file, text, folders, **flags)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("datset = 'pets'", "datset", "dataset"),
        ("[source.cloud]\nbase_url = 'https://x.example'", "source", "sources"),
        ("[sources.cloud]\nbaseurl = 'https://x.example'", "baseurl", "base_url"),
        ("[sources.cloud]\nbase_url = 'https://x.example'\napi_key_fil = 'k'", "api_key_fil", "api_key_file"),
        ("[sources.pictures]\nfolder = ['~']", "folder", "folders"),
        ("LOG_LEVEL = 'DEBUG'", "LOG_LEVEL", "log_level"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_file_and_the_nearest_key(
    file: Path, text: str, key: str, nearest: str
) -> None:
    said = refusal(file, text)
    assert str(file) in said
    assert f'unknown key "{key}"' in said
    assert f"known one is {nearest};" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeout = '5'", "timeout: must be a number"),
        ("timeout = 0", "timeout: Input should be greater than 0"),
        ("timeout = nan", "timeout: Input should be"),
        ("log_level = 'LOUD'", "log_level: Input should be 'DEBUG'"),
        ("dataset = 3", "dataset: must be text in quotes"),
        ("cache_dir = 3", "cache_dir: must be text in quotes"),
        ("cache_dir = '~nobody-of-that-name/x'", "a user this system does not have"),
        ("sources = 3", "write [sources.NAME]"),
        ("[sources]\ncloud = 'https://x.example'", "'sources.cloud' is no table"),
        ("[sources.'a b']\nfolders = ['.']", "named with letters"),
        ('[sources."a\\n"]\nfolders = ["."]', "named with letters"),
        ("[sources.local]\nfolders = ['.']", "choose another"),
        ("[sources.cloud]", "neither base_url nor folders"),
        ("[sources.cloud]\nbase_url = 3", "base_url: must be text in quotes"),
        (f"{CLOUD}allow_http = 'yes'", "allow_http: must be true or false"),
        (f"{CLOUD}folders = ['.']", "base_url and folders do not go together"),
        ("[sources.p]\nfolders = '~/Pictures'", "folders: must be a list"),
        ("[sources.p]\nfolders = ['a', 3]", "folders entry 2: must be text in quotes"),
        ("[sources.p]\nfolders = []", "folders: "),
        ("[sources.cloud]\nbase_url = 'http://far.example'", "allow_http = true"),
        (f"{CLOUD}api_key = 'k'", "api_key of [sources.cloud]"),
        ("dataset = 'x", "is not TOML (at "),
        (r'cache_dir = "C:\Users\me"', "backslashes in single quotes"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(file: Path, text: str, said: str) -> None:
    assert said in refusal(file, text)


def test_only_plain_http_is_answered_with_how_to_allow_it(file: Path) -> None:
    assert "allow_http" not in refusal(file, "[sources.cloud]\nbase_url = 'cloud.example'")


def test_everything_that_is_wrong_is_said_at_once(file: Path) -> None:
    said = refusal(file, f"datset = 'x'\n{CLOUD}timeout = -1\n[sources.p]\nfolder = []")
    assert len(said.splitlines()) == 3


@pytest.mark.parametrize(
    "text",
    [
        f"{CLOUD}api_key = '{SECRET}'",
        f"{CLOUD}api_key = '{SECRET}'\ntoken = '{SECRET}'",
        f"{CLOUD}api_key = ['{SECRET}']",
        f"{CLOUD}token = '{SECRET}'\ntoken_file = 'x'",
        f"{CLOUD}api_key = '{SECRET}",
        f"{CLOUD}token = '{SECRET}'\ntoken = '{SECRET}'",
        f"{CLOUD}{SECRET[:7]} = '{SECRET}'",
        f"[sources.cloud]\nbase_url = 'https://me:{SECRET}@cloud.example'",
    ],
)
def test_no_refusal_repeats_a_secret(file: Path, text: str) -> None:
    assert SECRET not in refusal(file, text)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff\xfe", "is not text")]
)
def test_a_secret_in_a_file_that_cannot_be_used_is_refused_by_its_key(
    file: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    (source,) = load(file, f"{CLOUD}token_file = 'token'").sources
    assert isinstance(source, ServerSource)
    with pytest.raises(SettingsError, match=said) as raised:
        source.credentials()
    assert "token_file of [sources.cloud]" in str(raised.value)


@pytest.mark.parametrize("pasted", [SECRET, SECRET * 40, f"~{SECRET}/x"])
def test_a_secret_pasted_where_its_file_should_be_named_is_not_repeated(
    file: Path, monkeypatch: pytest.MonkeyPatch, pasted: str
) -> None:
    monkeypatch.setenv("LOOKALIKE_TOKEN_FILE", pasted)
    monkeypatch.setenv("LOOKALIKE_BASE_URL", "https://lab.example")
    file.write_text("")
    with pytest.raises(SettingsError, match="LOOKALIKE_TOKEN_FILE: ") as raised:
        Connections(load_configuration({"config": file}))
    assert SECRET not in str(raised.value)


def test_half_a_credential_is_named_by_the_variable_that_is_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_API_KEY_FILE", "key")
    monkeypatch.setenv("LOOKALIKE_BASE_URL", "https://lab.example")
    assert "LOOKALIKE_API_KEY_FILE is set without LOOKALIKE_API_SECRET_FILE" in refusal(file, "")


def test_a_secret_in_a_file_loses_the_line_break_at_its_end(file: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"a.b.c\r\n")
    (source,) = load(file, f"{CLOUD}token_file = 'token'").sources
    assert isinstance(source, ServerSource)
    assert source.token is not None
    assert source.token.read() == "a.b.c"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_secret_can_come_from_a_pipe_which_gives_it_once(file: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token")
    (source,) = load(file, f"{CLOUD}token_file = 'token'").sources
    assert isinstance(source, ServerSource)
    with ThreadPoolExecutor() as writers:
        writers.submit((tmp_path / "token").write_text, "a.b.c\n")
        read = [source.credentials() for _ in range(2)]
    assert read == [Credentials(token="a.b.c")] * 2


@pytest.mark.parametrize(
    ("given", "timeout", "cloud"),
    [
        (Given(), 20, 30),
        (Given(variables={"LOOKALIKE_TIMEOUT": "7"}), 7, 7),
        (Given(variables={"LOOKALIKE_TIMEOUT": ""}), 20, 30),
        (Given(variables={"lookalike_timeout": "7"}, flags={"timeout": 3.0}), 3, 3),
    ],
)
def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, given: Given, timeout: float, cloud: float
) -> None:
    configuration = given.load(monkeypatch, file, f"timeout = 20\n{CLOUD}timeout = 30")
    (source,) = configuration.sources
    assert isinstance(source, ServerSource)
    assert (configuration.settings.timeout, source.timeout) == (timeout, cloud)


def test_paths_in_the_file_are_relative_to_it_and_a_tilde_is_home(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    configuration = load(
        file, f"cache_dir = 'kept'\n{CLOUD}token_file = '~/token'\n[sources.p]\nfolders = ['pictures']"
    )
    cloud, pictures = configuration.sources
    assert configuration.settings.cache_dir == tmp_path / "kept"
    assert isinstance(cloud, ServerSource)
    assert cloud.token is not None
    assert cloud.token.file == Path("/home/me/token")
    assert isinstance(pictures, FolderSource)
    assert pictures.base == tmp_path


def test_sources_of_every_level_add_up(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_BASE_URL", "https://lab.example:8443/explore")
    configuration = load(file, CLOUD, (".",))
    assert [source.name for source in configuration.sources] == ["local", "lab.example:8443", "cloud"]


@pytest.mark.parametrize(
    "spelled", ["https://cloud.example", "https://CLOUD.example:443/", "https://cloud.example/api/v1"]
)
def test_a_source_of_the_file_is_replaced_by_the_same_server_named_above_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    monkeypatch.setenv("LOOKALIKE_TOKEN", "a.b.c")
    configuration = load(file, f"{CLOUD}token = 'd.e.f'", base_url=spelled)
    (source,) = configuration.sources
    assert isinstance(source, ServerSource)
    assert source.token is not None
    assert source.token.read() == "a.b.c"
    assert configuration.replaced == ("cloud",)


def test_the_credential_of_the_environment_goes_to_no_source_of_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_TOKEN", "a.b.c")
    assert "LOOKALIKE_BASE_URL" in refusal(file, CLOUD)
    named, in_file = load(file, CLOUD, base_url="https://lab.example").sources
    assert isinstance(named, ServerSource)
    assert isinstance(in_file, ServerSource)
    assert (len(named.secrets), in_file.secrets) == (1, ())


def test_the_credential_of_the_preset_server_does_not_go_to_another_one_that_a_flag_names(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_BASE_URL", "https://cloud.example")
    monkeypatch.setenv("LOOKALIKE_TOKEN", SECRET)
    said = refusal(file, "", base_url="https://lab.example")
    assert "LOOKALIKE_TOKEN is for the server of LOOKALIKE_BASE_URL" in said
    (same,) = load(file, "", base_url="https://CLOUD.example:443/").sources
    assert isinstance(same, ServerSource)
    assert len(same.secrets) == 1


def test_two_sources_of_one_name_are_refused_with_where_to_give_another(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKALIKE_BASE_URL", "https://local")
    said = refusal(file, "", (".",))
    assert "two sources are called local" in said
    assert "in the configuration file" in said


@pytest.mark.parametrize(
    ("given", "looked_at", "dataset"),
    [
        (Given((".",)), ["local"], None),
        (Given(variables=LAB), ["lab.example"], None),
        (Given(), ["cloud"], "pets"),
        (Given(variables={"LOOKALIKE_DATASET": "cats"}), ["cloud"], "cats"),
        (Given((".",), {"LOOKALIKE_DATASET": "cats"}), ["local"], None),
        (Given((".",), LAB, {"dataset": "x"}), ["local", "lab.example", "cloud"], "x"),
    ],
)
def test_a_question_in_the_terminal_looks_at_the_highest_level_that_names_a_source(
    file: Path, monkeypatch: pytest.MonkeyPatch, given: Given, looked_at: list[str], dataset: str | None
) -> None:
    sources, asked = given.load(monkeypatch, file, f"dataset = 'pets'\n{CLOUD}").for_question()
    assert ([source.name for source in sources], asked) == (looked_at, dataset)


def test_a_file_that_is_named_must_be_there(file: Path) -> None:
    with pytest.raises(SettingsError, match="there is no configuration file"):
        load_configuration({"config": file})


def test_the_default_file_need_not_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_configuration({}).sources == ()
    (tmp_path / "lookalike").mkdir()
    (tmp_path / "lookalike" / "config.toml").write_text(CLOUD)
    assert [source.name for source in load_configuration({}).sources] == ["cloud"]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere every user has a home")
def test_a_user_without_a_home_needs_to_name_a_cache_folder_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(SettingsError, match="--cache-dir"):
        load_configuration({})
    configuration = load_configuration({"cache_dir": tmp_path})
    assert configuration.sources == ()
    assert "no home" in "\n".join(settings_lines(configuration))


def test_a_variable_names_the_file_and_a_flag_another(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.toml").write_text("dataset = 'other'")
    monkeypatch.setenv("LOOKALIKE_CONFIG", str(tmp_path / "other.toml"))
    assert load_configuration({}).settings.dataset == "other"
    assert load(file, "dataset = 'this'").settings.dataset == "this"
