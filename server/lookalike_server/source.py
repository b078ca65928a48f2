"""Where answers come from: an Explore server, or local folders behind the embedded engine."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import anyio

from lookalike_engine import Engine, EngineSettings
from lookalike_server.folders import FolderError, parse_folders
from lookalike_server.settings import Settings, SettingsError, variable_of
from lookalike_tools import Credentials, ExploreClient, checked_base_url


class Source:
    """Opens its Explore client at the first question: a server can list its tools before anything heavy loads."""

    def __init__(self, settings: Settings, folders: Sequence[str]) -> None:
        """Check what can be checked without opening anything.

        Raises:
            SettingsError: neither a server nor a folder was given, or both were.
            LookalikeError: the server's address or the credential cannot be used.
            FolderError: a folder that cannot be served.
            EngineError: two datasets of one name, or one folder served twice.
        """
        if settings.base_url is not None and folders:
            raise SettingsError(
                f"both folders and an Explore server ({variable_of('base_url')} or --base-url) were given. "
                "Leave out the folders to ask the server; drop the flag and unset the variable to serve the folders."
            )
        if settings.base_url is None and not folders:
            raise SettingsError(
                "nothing to look at. Name one or more folders of images, "
                f"or set {variable_of('base_url')} to ask an Explore server."
            )
        if settings.base_url is not None:
            # Whatever is wrong with them is found out now, not at the first question.
            checked_base_url(settings.base_url, allow_http=settings.allow_http)
            _credentials(settings)
        self.default_dataset = settings.dataset
        self._settings = settings
        self._engine = None if settings.base_url is not None else make_engine(settings, folders)
        self._client: ExploreClient | None = None
        self._opening = anyio.Lock()

    async def client(self) -> ExploreClient:
        """The one Explore client of this source, opened on first use."""
        async with self._opening:
            if self._client is None:
                client = self._connect()
                await client.__aenter__()
                self._client = client
            return self._client

    def _connect(self) -> ExploreClient:
        if self._engine is not None:
            return ExploreClient.for_app(self._engine.app)
        settings = self._settings
        assert settings.base_url is not None  # noqa: S101 — the constructor made sure of one of the two
        return ExploreClient.for_server(settings.base_url, _credentials(settings), allow_http=settings.allow_http)

    async def aclose(self) -> None:
        """Close the client and end a running index run; what it has finished is kept for the next one."""
        try:
            if self._client is not None:
                await self._client.__aexit__(None, None, None)
                self._client = None
        finally:
            if self._engine is not None:
                await anyio.to_thread.run_sync(self._engine.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.aclose()


def make_engine(settings: Settings, folders: Sequence[str]) -> Engine:
    """The embedded engine over ``folders``; nothing is indexed yet.

    Raises:
        FolderError: a folder that cannot be served.
        EngineError: two datasets of one name, or one folder served twice.
    """
    if not folders:
        raise FolderError("no folder was given. Name one or more folders of images.")
    return Engine(parse_folders(folders), EngineSettings(cache_dir=settings.cache_dir))


def secrets_of(settings: Settings) -> list[str]:
    """Every secret among the settings, for the log to hide."""
    return [
        secret.get_secret_value()
        for secret in (settings.api_key, settings.api_secret, settings.token)
        if secret is not None
    ]


def _credentials(settings: Settings) -> Credentials | None:
    if settings.token is not None:
        return Credentials(token=settings.token.get_secret_value())
    if settings.api_key is not None and settings.api_secret is not None:
        return Credentials(
            api_key=settings.api_key.get_secret_value(), api_secret=settings.api_secret.get_secret_value()
        )
    return None
