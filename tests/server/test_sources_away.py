"""Sources that cannot be asked: named, and no trouble for the others."""

from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from lookalike_server.folders import FolderError
from lookalike_tools.tokens import estimated_tokens
from tests.explore_servers import (
    DATASET_ID,
    Server,
    copies,
    engine,
    engine_copies,
    listening,
    single,
)
from tests.server.conversation import configured_conversation, facts_of, text_of
from tests.server.several_sources import NOBODY, asked, asked_with, photos, written

pytestmark = pytest.mark.anyio


async def test_a_server_that_cannot_be_reached_is_named_and_breaks_no_other_answer(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1, 1])
    result = await asked(written(tmp_path, lab=NOBODY), "photos")
    facts = facts_of(result)
    assert facts["totals"]["clusters"] == 1
    (note,) = [note for note in facts["notes"] if '"lab"' in note]
    assert "could not be asked: 127.0.0.1:9" in note
    assert note in text_of(result)


async def test_a_server_that_failed_is_asked_again_only_for_what_is_found_nowhere_else(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])
    server = Server([copies("a")], [single("s")], guard=lambda _request: None if is_up else Response("{}", 403))
    is_up = False
    with listening(server.app()) as url:
        async with configured_conversation(written(tmp_path, lab=url)) as client:
            for _ in range(3):
                facts = facts_of(await client.call_tool("find_duplicates", {"dataset": "photos"}))
            asked_while_down = len(server.requests)
            is_up = True
            back = facts_of(await client.call_tool("find_duplicates", {"dataset": "pets"}))
    assert any("(403), less than a minute ago" in note for note in facts["notes"])
    assert asked_while_down == 1
    assert back["dataset"] == "pets"


async def test_an_unknown_name_says_which_sources_could_not_be_asked(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])
    refused = await asked(written(tmp_path, lab=NOBODY), "dogs")
    assert refused.is_error
    assert '"photos"' in text_of(refused)
    assert 'Could not be asked: source "lab" (127.0.0.1:9' in text_of(refused)


async def test_where_no_source_can_be_asked_the_error_names_them_all(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[sources.a]\nbase_url = "{NOBODY}"\n[sources.b]\nbase_url = "http://127.0.0.1:10"\n')
    refused = await asked(file, "dogs", timeout=1.0)
    assert refused.is_error
    for name, port in (("a", 9), ("b", 10)):
        assert f'source "{name}" (127.0.0.1:{port} cannot be reached' in text_of(refused)
    assert text_of(refused).count("Check the base URL and the network") == 2


async def test_what_keeps_a_source_from_being_opened_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    photos(tmp_path / "photos", [1])
    facts = facts_of(await asked(written(tmp_path, lab="https://lab.example"), "photos"))
    assert any("Correct or unset SSL_CERT_FILE" in note for note in facts["notes"])


async def test_a_server_that_holds_back_its_list_is_not_waited_for_once_the_dataset_is_found(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])

    async def never(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with listening(never) as url:
        facts = facts_of(await asked(written(tmp_path, lab=url), "photos"))
    assert any('"lab" could not be asked: it did not answer in time' in note for note in facts["notes"])


async def test_a_folder_of_the_file_that_is_away_is_named_and_found_again_when_it_is_back(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1, 1])
    file = tmp_path / "config.toml"
    file.write_text('[sources.home]\nfolders = ["photos"]\n[sources.drive]\nfolders = ["drive"]\n')
    async with configured_conversation(file) as client:
        away = facts_of(await client.call_tool("find_duplicates", {"dataset": "photos"}))
        photos(tmp_path / "drive", [3, 3])
        back = facts_of(await client.call_tool("find_duplicates", {"dataset": "drive"}))
    assert any("\"drive\" could not be asked: 'drive' is not a folder" in note for note in away["notes"])
    assert back["totals"]["clusters"] == 1


async def test_a_folder_that_is_away_is_named_and_its_source_serves_the_others(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1, 1])
    file = tmp_path / "config.toml"
    file.write_text('[sources.home]\nfolders = ["photos", "drive", "other"]\n')
    async with configured_conversation(file) as client:
        for name in ("photos", "home/photos"):
            facts = facts_of(await client.call_tool("find_duplicates", {"dataset": name}))
            assert facts["totals"]["clusters"] == 1
        alone = facts_of(await client.call_tool("find_duplicates", {}))
        unknown = await client.call_tool("find_duplicates", {"dataset": "drive"})
        photos(tmp_path / "drive", [3, 3])
        back = facts_of(await client.call_tool("find_duplicates", {"dataset": "drive"}))
        again = facts_of(await client.call_tool("find_duplicates", {"dataset": "photos"}))
    for folder in ("drive", "other"):
        assert any(f"A part of source \"home\" could not be asked: '{folder}' is" in note for note in alone["notes"])
        assert f"a part of source \"home\" ('{folder}' is not a folder" in text_of(unknown)
    assert 'Choose one of: "photos"' in text_of(unknown)
    assert back["totals"]["clusters"] == again["totals"]["clusters"] == 1
    assert not any("'drive' is" in note for note in again["notes"])


async def test_a_folder_of_the_command_line_that_is_away_is_refused_at_once(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])
    file = written(tmp_path)
    with pytest.raises(FolderError, match="'away' is not a folder"):
        await asked_with(file, [str(tmp_path / "photos"), "away"])


async def test_a_name_with_a_source_that_cannot_be_asked_says_why_and_what_to_do(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])
    file = written(tmp_path, dead=NOBODY)
    file.write_text(file.read_text() + '[sources.drive]\nfolders = ["away"]\n')
    dead, drive = await asked(file, "dead/pets", timeout=1.0), await asked(file, "drive/away")
    assert 'Source "dead" could not be asked. 127.0.0.1:9 cannot be reached' in text_of(dead)
    assert "Check the base URL and the network" in text_of(dead)
    assert "Source \"drive\" could not be asked. 'away' is not a folder" in text_of(drive)
    assert "no dataset" not in text_of(dead) + text_of(drive)


async def test_an_unknown_name_asks_a_failing_source_once(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])
    server = Server(guard=lambda _request: Response("{}", 403))
    with listening(server.app()) as url:
        refused = await asked(written(tmp_path, lab=url), "dogs")
    assert 'source "lab" (' in text_of(refused)
    assert len(server.requests) == 1


async def test_without_a_name_the_sources_that_could_not_be_asked_are_told_of_too(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])
    photos(tmp_path / "more", [2])
    file = written(tmp_path, lab=NOBODY)
    file.write_text(file.read_text() + '[sources.more]\nfolders = ["more"]\n')
    refused = await asked(file, None, timeout=1.0)
    assert 'Choose one of: "photos", "more". Could not be asked: source "lab" (127.0.0.1:9' in text_of(refused)


@pytest.mark.parametrize(
    ("variable", "value"), [("HTTPS_PROXY", "nonsense://me:hunter2@proxy"), ("SSL_CERT_FILE", "nowhere.pem")]
)
@pytest.mark.parametrize("name", ["pets", "lab/pets"])
async def test_an_environment_that_cannot_be_used_is_answered_with_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[sources.lab]\nbase_url = "https://lab.example"\n')
    monkeypatch.setenv(variable, value)
    refused = await asked(file, name)
    assert f"Correct or unset {variable}" in text_of(refused)
    assert "no dataset" not in text_of(refused)
    assert "hunter2" not in text_of(refused)


async def test_a_note_about_another_source_counts_towards_the_budget_of_a_page(tmp_path: Path) -> None:
    photos(tmp_path / "photos", [1])
    names = "a long name of a picture, with words; and (signs) in it " * 3
    server = engine([engine_copies([f"{i}/{names}{j}.jpg" for j in range(8)]) for i in range(20)])
    with listening(server.app()) as url:
        file = written(tmp_path, lab=url, away=NOBODY)
        result = await asked(file, DATASET_ID)
    assert '"away" could not be asked' in text_of(result)
    assert estimated_tokens(text_of(result)) <= 2000
