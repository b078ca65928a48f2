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
