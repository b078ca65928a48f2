"""A cloud account, an on-premises server and folders, joined by a configuration file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcp.types import CallToolResult

from tests.explore_servers import cloud, generated, listening, on_premises, tokens
from tests.pictures import jpeg_bytes, scene
from tests.server.conversation import configured_conversation

NOBODY = "http://127.0.0.1:9"
"""A port where nothing listens."""


def photos(folder: Path, seeds: Sequence[int]) -> Path:
    folder.mkdir(parents=True)
    for number, seed in enumerate(seeds):
        (folder / f"{number}.jpg").write_bytes(jpeg_bytes(scene(seed)))
    return folder


class House:
    """A cloud with "cats" and "shared", an older server with "dogs" and "shared", a folder "photos"."""

    def __init__(self, at: Path) -> None:
        self.cloud = cloud(generated("cats", 3, singles=2), generated("shared", 1, singles=1))
        self.lab = on_premises(
            generated("dogs", 2, singles=4), generated("shared", 2, singles=1), without=("ignores_filters",)
        )
        self.file = at / "config.toml"
        (at / "key").write_text(f"{tokens.KEY}\n")
        photos(at / "photos", [1, 1, 2])

    @contextmanager
    def open(self, more: str = "") -> Iterator[None]:
        with listening(self.cloud.app()) as cloud_url, listening(self.lab.app()) as lab_url:
            self.file.write_text(
                f"""
                {more}
                [sources.cloud]
                base_url = "{cloud_url}"
                api_key_file = "key"
                api_secret = "{tokens.SECRET}"
                [sources.lab]
                base_url = "{lab_url}"
                [sources.home]
                folders = ["photos"]
                """
            )
            yield


async def asked_with(file: Path, folders: Sequence[str]) -> None:
    async with configured_conversation(file, folders):
        pass


async def asked(file: Path, dataset: str | None, tool: str = "find_duplicates", **flags: Any) -> CallToolResult:
    async with configured_conversation(file, **flags) as client:
        return await client.call_tool(tool, {"dataset": dataset})


def written(at: Path, **urls: str) -> Path:
    """A file with these servers beside the folder "photos"."""
    file = at / "config.toml"
    servers = "\n".join(f'[sources.{name}]\nbase_url = "{url}"\n' for name, url in urls.items())
    file.write_text(f'[sources.home]\nfolders = ["photos"]\n{servers}')
    return file
