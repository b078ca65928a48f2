from pathlib import Path

import pytest

from lookalike_server.connections import make_engine
from lookalike_server.settings import Settings
from lookalike_server.terminal import index_all
from lookalike_tools import LookalikeError
from tests.pictures import save_set


@pytest.mark.anyio
async def test_a_folder_that_fails_takes_no_line_from_those_before_it(tmp_path: Path) -> None:
    save_set(tmp_path / "pictures")
    (tmp_path / "gone").mkdir()
    folders = [str(tmp_path / "pictures"), str(tmp_path / "gone")]
    engine = make_engine(Settings(cache_dir=tmp_path / "cache"), folders)
    (tmp_path / "gone").rmdir()
    said: list[str] = []
    with pytest.raises(LookalikeError, match="gone"):
        await index_all(engine, said.append)
    engine.close()
    assert said == ["pictures: 22 images; skipped 1 (1 not an image)", "  skipped notes.txt: not an image"]


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_indexed_anew_is_an_error_unless_it_may_answer_as_it_was(tmp_path: Path) -> None:
    save_set(tmp_path / "pictures")
    settings = Settings(cache_dir=tmp_path / "cache")
    before = make_engine(settings, [str(tmp_path / "pictures")])
    await index_all(before, lambda _line: None)
    before.close()
    engine = make_engine(settings, [str(tmp_path / "pictures")])
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    with pytest.raises(LookalikeError, match="not a readable folder any more"):
        await index_all(engine, lambda _line: None)
    said: list[str] = []
    await index_all(engine, said.append, outdated_too=True)
    engine.close()
    failure, found, _ = said
    assert "not a readable folder any more" in failure
    assert failure.endswith("It answers from the index that it has")
    assert found == "pictures: 22 images; skipped 1 (1 not an image)"


@pytest.mark.anyio
async def test_a_folder_that_was_indexed_before_is_looked_at_again(tmp_path: Path) -> None:
    save_set(tmp_path / "pictures")
    for images in (22, 21):
        engine = make_engine(Settings(cache_dir=tmp_path / "cache"), [str(tmp_path / "pictures")])
        (dataset,) = await index_all(engine, lambda _line: None)
        engine.close()
        assert dataset.n_images == images
        (tmp_path / "pictures" / "beach.png").unlink(missing_ok=True)
