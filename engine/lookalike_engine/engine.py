"""The engine as its host sees it: folders in, an ASGI application out."""

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.errors import EngineError
from lookalike_engine.library import Library
from lookalike_engine.signal_names import resolve_signals

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Engine:
    """Serves folder datasets. Building one reads nothing but whether the folders are there; nothing heavy is imported.

    Raises EngineError when there is no dataset, two have one name, a folder is served twice (or lies inside another one
    of its dataset), or a folder is missing or unreadable, or the cache lies inside one, or the signals are not there.
    """

    def __init__(self, datasets: Sequence[FolderDataset], settings: EngineSettings) -> None:
        resolve_signals(settings.signals)
        self._library = Library(_checked(datasets), settings)
        self.app = Application(self._library, settings)
        """The Explore API, under `/api/v1`, as an ASGI application."""

    def close(self) -> None:
        """End running work, keeping what it has finished, and wait for it; none starts any more."""
        self._library.close()


class Application:
    """The ASGI application, which loads what it stands on when it is first called."""

    def __init__(self, library: Library, settings: EngineSettings) -> None:
        self._library = library
        self._settings = settings
        self._lock = Lock()
        self._built: ASGIApp | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one ASGI connection. The first one loads, in a thread so that the event loop stays awake."""
        import anyio.to_thread  # noqa: PLC0415 - whoever builds an engine need not serve it

        built = self._built
        if built is None:
            built = await anyio.to_thread.run_sync(self._build)
        await built(scope, receive, send)

    def _build(self) -> "ASGIApp":
        with self._lock:
            if self._built is None:
                from lookalike_engine.api import create_app  # noqa: PLC0415 - numpy and duckdb stay out of start-up

                self._built = create_app(self._library, self._settings)
            return self._built


def _checked(datasets: Sequence[FolderDataset]) -> tuple[FolderDataset, ...]:
    """Return the datasets with their folders resolved."""
    if not datasets:
        raise EngineError("no folder is served; name at least one")
    names: set[str] = set()
    served: dict[Path, str] = {}
    checked: list[FolderDataset] = []
    for dataset in datasets:
        if dataset.name in names:
            raise EngineError(f"two datasets are called {dataset.name!a}; give one another name, as in NAME=FOLDER")
        names.add(dataset.name)
        folders = tuple(_readable(folder) for folder in dataset.folders)
        if not folders:
            raise EngineError(f"dataset {dataset.name!a} has no folder; name at least one")
        for folder in folders:
            if folder in served:
                raise EngineError(f"{_quoted(folder)} is served twice; leave one out")
            served[folder] = dataset.name
        for folder in folders:
            if any(folder.is_relative_to(other) for other in folders if other != folder):
                raise EngineError(f"{_quoted(folder)} lies inside another folder of {dataset.name!a}; leave it out")
        checked.append(FolderDataset(dataset.name, folders))
    return tuple(checked)


def _readable(folder: Path) -> Path:
    try:
        resolved = folder.resolve(strict=True)
    except (OSError, RuntimeError):
        raise EngineError(f"there is no folder {_quoted(folder)}; check its spelling") from None
    if not resolved.is_dir():
        raise EngineError(f"{_quoted(folder)} is not a folder; serve the folder that it is in")
    if not os.access(resolved, os.R_OK | os.X_OK):
        raise EngineError(f"folder {_quoted(folder)} cannot be read; change its permissions")
    return resolved


def _quoted(folder: Path) -> str:
    return ascii(os.fspath(folder))
