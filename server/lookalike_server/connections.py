"""The sources, opened: a client of each, and the embedded engine behind those that are local folders."""

import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import anyio

from lookalike_engine import Engine, EngineError, EngineSettings, FolderDataset, resolve_signals
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

        A source of the file that cannot be used now, or a folder of it, such as one on a drive that is not there, keeps
        the others from nothing: it is tried again at every question, and named in the answers.

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
        self._engines: list[Engine] = []
        self._clients: dict[str, ExploreClient] = {}
        self._replaced: list[ExploreClient] = []
        self._away: dict[str, tuple[str, ...]] = {}
        self._outages = Outages()
        self._opening = anyio.Lock()
        failures = [failure for source in self._sources if (failure := self._prepare(source)) is not None]
        for source, error in failures:
            if source.level != "file" or len(failures) == len(self._sources):
                raise error
            logger.warning("source %s cannot be used: %s", source.name, error)

    async def namespace(self) -> Namespace:
        """The clients of all sources, opened on first use, and why others, or some folders, have none."""
        async with self._opening:
            unasked: dict[str, str] = {}
            for source in self._sources:
                if source.name in self._clients and source.name not in self._away:
                    continue
                try:
                    await self._open(source)
                except UNUSABLE as error:
                    if source.name in self._clients:
                        self._away[source.name] = (_reason(error),)
                    else:
                        unasked[source.name] = _reason(error)
            return Namespace(dict(self._clients), unasked, dict(self._away), self._outages)

    def _prepare(self, source: SourceSettings) -> tuple[SourceSettings, Exception] | None:
        try:
            if isinstance(source, ServerSource):
                source.credentials()
                return None
            _, away = engine_of(self._settings, source)
        except UNUSABLE as error:
            return source, error
        for why in away:
            logger.warning("a part of source %s cannot be used: %s", source.name, why)
        return None

    async def _open(self, source: SourceSettings) -> None:
        if isinstance(source, ServerSource):
            self._clients[source.name] = await connect(source).__aenter__()
            return
        # In a thread, because a drive that is away can keep whoever looks for it waiting.
        engine, away = await anyio.to_thread.run_sync(engine_of, self._settings, source)
        before = self._clients.get(source.name)
        if before is not None and away == self._away[source.name]:
            return
        if before is not None:
            # Other questions may still be asking it.
            self._replaced.append(before)
        self._engines.append(engine)
        self._clients[source.name] = await ExploreClient.for_app(engine.app).__aenter__()
        self._away.pop(source.name, None)
        if away:
            self._away[source.name] = away

    async def aclose(self) -> None:
        """Close the clients and end running index runs; what they have finished is kept for the next one."""
        try:
            clients = [*self._replaced, *self._clients.values()]
            self._replaced, self._clients = [], {}
            for client in clients:
                await client.__aexit__(None, None, None)
        finally:
            for engine in self._engines:
                await anyio.to_thread.run_sync(engine.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.aclose()


def connect(source: ServerSource) -> ExploreClient:
    """A client of the server, with its credential, which no log line will show.

    Raises:
        SettingsError: a secret's file that cannot be used.
        LookalikeError: an address or a credential that cannot be used.
    """
    hide(secret.read() for secret in source.secrets)
    return ExploreClient.for_server(
        source.base_url, source.credentials(), allow_http=source.allow_http, deadline=source.timeout
    )


def engine_of(settings: Settings, source: FolderSource) -> tuple[Engine, tuple[str, ...]]:
    """The embedded engine over the folders of a source, and why some are left out; nothing is indexed yet.

    None is left out that the command line names.

    Raises:
        FolderError: a folder that cannot be served, or none that can.
        EngineError: two datasets of one name, one folder served twice, or signals that are not there.
    """
    # Whoever asks is the user whose process this is: a picture outside the folders may be compared with theirs.
    signals = source.signals or settings.signals
    resolve_signals(signals)
    options = EngineSettings(cache_dir=settings.cache_dir, signals=signals, checks_any_file=True)
    datasets: list[FolderDataset] = []
    away: list[str] = []
    for argument in source.folders:
        try:
            one = parse_folders([argument], source.base)
            # An engine looks at its folders.
            Engine(one, options)
        except (FolderError, EngineError) as error:
            if source.level == "command line":
                raise
            away.append(_reason(error))
        else:
            datasets += one
    if not datasets:
        raise FolderError("; ".join(away))
    return Engine(datasets, options), tuple(away)


def make_engine(settings: Settings, folders: Sequence[str], *, background: bool = True) -> Engine:
    """The embedded engine over FOLDER arguments; nothing is indexed yet.

    ``background``: whether indexing lets everything else go first, in another process.

    Raises:
        FolderError: a folder that cannot be served, or none at all.
        EngineError: two datasets of one name, or one folder served twice.
    """
    if not folders:
        raise FolderError("no folder was given. Name one or more folders of images.")
    options = EngineSettings(cache_dir=settings.cache_dir, signals=settings.signals, background=background)
    return Engine(parse_folders(folders), options)


def _reason(error: Exception) -> str:
    """The error as a reason within a sentence."""
    return str(error).rstrip(".")
