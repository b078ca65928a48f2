"""What images are compared by: where it is said, what wins, and that it reaches the engine."""

from pathlib import Path
from typing import Any

import pytest

from lookalike_engine import EngineError
from lookalike_server.configuration import Configuration, load_configuration, read_configuration
from lookalike_server.connections import Connections
from lookalike_server.settings import SettingsError
from lookalike_server.settings_shown import settings_lines
from lookalike_server.sources import FolderSource


@pytest.fixture
def at(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.json").write_text("{}")
    return tmp_path


def load(at: Path, text: str = "", **flags: Any) -> Configuration:
    (at / "config.toml").write_text(text)
    return load_configuration({"config": at / "config.toml", **flags}, ())


def of_source(configuration: Configuration) -> str:
    """What the engine of the one source of folders is given."""
    (source,) = configuration.sources
    assert isinstance(source, FolderSource)
    return source.signals or configuration.settings.signals


PHOTOS = '[sources.home]\nfolders = ["photos"]\n'


def test_a_flag_wins_over_the_environment_which_wins_over_the_file(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (at / "other.json").write_text("{}")
    assert of_source(load(at, PHOTOS)) == "lite0"
    assert of_source(load(at, f"signals = 'hash'\n{PHOTOS}")) == "hash"
    assert of_source(load(at, f"signals = 'hash'\n{PHOTOS}signals = 'models/own.json'")) == str(
        at / "models" / "own.json"
    )
    monkeypatch.setenv("LOOKALIKE_SIGNALS", "lite0")
    assert of_source(load(at, f"signals = 'hash'\n{PHOTOS}signals = 'models/own.json'")) == "lite0"
    assert of_source(load(at, PHOTOS, signals=str(at / "other.json"))) == str(at / "other.json")


def test_a_path_in_the_file_is_relative_to_the_file(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (at / "elsewhere").mkdir()
    monkeypatch.chdir(at / "elsewhere")
    assert load(at, f"signals = 'models/own.json'\n{PHOTOS}").settings.signals == str(at / "models" / "own.json")
    with pytest.raises(SettingsError, match=r"--signals: there is no model description 'models/own.json'"):
        load(at, PHOTOS, signals="models/own.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"signals = 'lite'\n{PHOTOS}", r"signals in .*config.toml.*: there are no signals 'lite'; choose hash"),
        (f"signals = 3\n{PHOTOS}", r"signals: must be text in quotes"),
        (f"{PHOTOS}signals = 'lite'", r"signals of \[sources.home\].*: there are no signals 'lite'"),
        (f"{PHOTOS}signals = 'models/none.json'", "there is no model description"),
        (
            "[sources.lab]\nbase_url = 'https://lab.example'\nsignals = 'hash'",
            "base_url and signals do not go together",
        ),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(at: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(at, text)


def test_a_wrong_variable_is_named(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_SIGNALS", "sscd2")
    with pytest.raises(SettingsError, match="LOOKALIKE_SIGNALS: there are no signals 'sscd2'"):
        load(at, PHOTOS)


def test_check_shows_them_with_where_they_come_from(at: Path) -> None:
    (at / "config.toml").write_text(f"signals = 'hash'\n{PHOTOS}")
    lines = settings_lines(read_configuration({"config": at / "config.toml"}, ()))
    assert '  signals         "hash"  (configuration file)' in lines


def test_a_description_that_has_gone_since_is_said_when_the_source_is_opened(at: Path) -> None:
    configuration = load(at, f"{PHOTOS}signals = 'models/own.json'")
    (at / "models" / "own.json").unlink()
    with pytest.raises(EngineError, match="there is no model description"):
        Connections(configuration)
