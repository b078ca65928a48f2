"""The sources, opened: a client of each, and the embedded engine behind those that are local folders."""

import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import anyio

from lookalike_engine import Engine, EngineError, EngineSettings
from lookalike_server.configuration import Configuration
from lookalike_server.folders import FolderError, parse_folders
from lookalike_server.logs import hide
from lookalike_server.settings import Settings, SettingsError, variable_of
from lookalike_server.sources import FolderSource, ServerSource, SourceSettings
from lookalike_tools import ExploreClient, LookalikeError, Namespace, Outages

logger = logging.getLogger("lookalike.server")

UNUSABLE = (SettingsError, FolderError, EngineError, LookalikeError)
"""What is raised for a source that cannot be used as it is."""


class Connections:
    """Opens its clients at the first question: a server can list its tools before anything heavy loads."""

    def __init__(self, configuration: Configuration) -> None:
        """Look at ``configuration.sources`` as far as that needs no network.

        A source of the file that cannot be used now, such as a drive that is not there, keeps the others from nothing:
        it is tried again at every question, and named in the answers.

        Raises:
            SettingsError: there is no source, or a secret's file cannot be used.
            LookalikeError: a credential cannot be used.
            FolderError: a folder that cannot be served.
            EngineError: two datasets of one name, or one folder served twice.
        """
        if not configuration.sources:
            raise SettingsError(
                "nothing to look at. Name one or more folders of images, or set "
                f"{variable_of('base_url')} to ask an Explore server, or write sources into a configuration file."
            )
        self.default_dataset = configuration.settings.dataset
        self._settings = configuration.settings
        self._sources = configuration.sources
        self._engines: dict[str, Engine] = {}
        self._clients: dict[str, ExploreClient] = {}
        self._outages = Outages()
        self._opening = anyio.Lock()
        failures = [failure for source in self._sources if (failure := self._prepare(source)) is not None]
        for source, error in failures:
            if source.level != "file" or len(failures) == len(self._sources):
                raise error
            logger.warning("source %s cannot be used: %s", source.name, error)

    async def namespace(self) -> Namespace:
        """The clients of all sources, opened on first use, and why there is none of the others."""
        async with self._opening:
            unasked: dict[str, str] = {}
            for source in self._sources:
                if source.name not in self._clients:
                    try:
                        client = await self._connect(source)
                        self._clients[source.name] = await client.__aenter__()
                    except UNUSABLE as error:
                        unasked[source.name] = _reason(error)
            return Namespace(dict(self._clients), unasked, self._outages)

    def _prepare(self, source: SourceSettings) -> tuple[SourceSettings, Exception] | None:
        try:
            if isinstance(source, ServerSource):
                source.credentials()
            else:
                self._engine(source)
        except UNUSABLE as error:
            return source, error
        return None

    async def _connect(self, source: SourceSettings) -> ExploreClient:
        if isinstance(source, FolderSource):
            # In a thread, because a drive that is away can keep whoever looks for it waiting.
            engine = await anyio.to_thread.run_sync(self._engine, source)
            return ExploreClient.for_app(engine.app)
        return connect(source)

    def _engine(self, source: FolderSource) -> Engine:
        if source.name not in self._engines:
            self._engines[source.name] = engine_of(self._settings, source)
        return self._engines[source.name]

    async def aclose(self) -> None:
        """Close the clients and end running index runs; what they have finished is kept for the next one."""
        try:
            while self._clients:
                _, client = self._clients.popitem()
                await client.__aexit__(None, None, None)
        finally:
            for engine in self._engines.values():
                await anyio.to_thread.run_sync(engine.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.aclose()


def connect(source: ServerSource) -> ExploreClient:
    """A client of the server, with the credential as it is now, which no log line will show.

    Raises:
        SettingsError: a secret's file that cannot be used.
        LookalikeError: an address or a credential that cannot be used.
    """
    hide(secret.read() for secret in source.secrets)
    return ExploreClient.for_server(
        source.base_url, source.credentials(), allow_http=source.allow_http, deadline=source.timeout
    )


def engine_of(settings: Settings, source: FolderSource) -> Engine:
    """The embedded engine over the folders of a source; nothing is indexed yet.

    Raises:
        FolderError: a folder that cannot be served.
        EngineError: two datasets of one name, or one folder served twice.
    """
    return Engine(parse_folders(source.folders, source.base), EngineSettings(cache_dir=settings.cache_dir))


def make_engine(settings: Settings, folders: Sequence[str]) -> Engine:
    """The embedded engine over FOLDER arguments; nothing is indexed yet.

    Raises:
        FolderError: a folder that cannot be served, or none at all.
        EngineError: two datasets of one name, or one folder served twice.
    """
    if not folders:
        raise FolderError("no folder was given. Name one or more folders of images.")
    return Engine(parse_folders(folders), EngineSettings(cache_dir=settings.cache_dir))


def _reason(error: Exception) -> str:
    """The error as a reason within a sentence."""
    return (error.what if isinstance(error, LookalikeError) else str(error)).rstrip(".")
